#pragma once

#include "bridge/upstream/ws_connection.hpp"
#include "proto/envelope.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <string>

namespace bpx::bridge {

/// What an error of a running connection means, in the product's words.
Disconnect to_disconnect(const boost::system::error_code& error,
                         const boost::beast::websocket::close_reason& close);

/// WsConnection over Beast; `Transport` is a TCP socket or a TLS stream over one. The only user of
/// Beast's WebSocket besides ws_connection.cpp.
template <typename Transport>
class BeastConnection final : public WsConnection {
 public:
  template <typename... Args>
  BeastConnection(const Options& options, Args&&... transport)
      : stream_(std::forward<Args>(transport)...),
        closing_(stream_.get_executor()),
        buffer_(options.max_message_bytes + proto::EnvelopeReader::kPadding) {
    namespace websocket = boost::beast::websocket;
    websocket::permessage_deflate deflate;
    deflate.client_enable = options.compression;
    stream_.set_option(deflate);
    stream_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
      request.set(boost::beast::http::field::user_agent, "backpack-bridge/" BPX_VERSION);
    }));
    stream_.read_message_max(options.max_message_bytes);
  }

  Transport& transport() { return stream_.next_layer(); }
  auto& socket() { return boost::beast::get_lowest_layer(stream_); }

  boost::asio::awaitable<boost::system::error_code> handshake(std::string host,
                                                              std::string target) {
    auto [error] = co_await stream_.async_handshake(host, target, kAsTuple);
    last_received_ = std::chrono::steady_clock::now();
    co_return error;
  }

  boost::asio::awaitable<Disconnect> read_messages(MessageReceiver& receiver) override {
    listen_to_control_frames(receiver);
    for (;;) {
      const auto [error, bytes] = co_await stream_.async_read_some(buffer_, 0, kAsTuple);
      if (error) co_return to_disconnect(error, stream_.reason());
      last_received_ = std::chrono::steady_clock::now();
      if (!stream_.is_message_done()) continue;
      make_padding_readable();
      const auto message = buffer_.cdata();
      receiver.on_message({static_cast<const char*>(message.data()), message.size()});
      buffer_.consume(buffer_.size());
    }
  }

  boost::asio::awaitable<boost::system::error_code> write(std::string_view text) override {
    stream_.text(true);
    const auto [error, bytes] =
        co_await stream_.async_write(boost::asio::buffer(text.data(), text.size()), kAsTuple);
    co_return error;
  }

  boost::asio::awaitable<void> ping(std::string_view payload) override {
    co_await stream_.async_ping({payload.data(), payload.size()}, kAsTuple);
  }

  boost::asio::awaitable<void> close() override {
    co_await stream_.async_close(boost::beast::websocket::close_code::normal, kAsTuple);
  }

  void abort() override {
    boost::system::error_code ignored;
    socket().close(ignored);
  }

  TimePoint last_received() const override { return last_received_; }

 private:
  static constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

  /// How long a server that has sent its Close frame may take to end the transport.
  static constexpr std::chrono::milliseconds kTeardown{500};

  void listen_to_control_frames(MessageReceiver& receiver) {
    namespace websocket = boost::beast::websocket;
    stream_.control_callback([&](websocket::frame_type type, boost::beast::string_view payload) {
      last_received_ = std::chrono::steady_clock::now();
      if (type == websocket::frame_type::pong)
        receiver.on_pong({payload.data(), payload.size()});
      else if (type == websocket::frame_type::close)
        abort_after_teardown();
    });
  }

  /// Beast answers the Close frame and waits for the server to end TLS and TCP, for as long as that
  /// takes: the reconnect must not depend on it.
  void abort_after_teardown() {
    closing_.expires_after(kTeardown);
    closing_.async_wait([this](boost::system::error_code cancelled) {
      if (!cancelled) abort();
    });
  }

  void make_padding_readable() {
    if (buffer_.capacity() - buffer_.size() < proto::EnvelopeReader::kPadding)
      buffer_.reserve(buffer_.size() + proto::EnvelopeReader::kPadding);
  }

  boost::beast::websocket::stream<Transport> stream_;
  boost::asio::steady_timer closing_;
  boost::beast::flat_buffer buffer_;  ///< one message, reused
  TimePoint last_received_{};
};

}  // namespace bpx::bridge
