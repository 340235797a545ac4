#pragma once

#include "bridge/upstream/extensions.hpp"
#include "bridge/upstream/sieved_transport.hpp"
#include "bridge/upstream/transport.hpp"
#include "bridge/upstream/ws_connection.hpp"
#include "proto/envelope.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include <string>

namespace bpx::bridge {

/// What an error of a running connection means, in the product's words.
Disconnect to_disconnect(const boost::system::error_code& error);
Disconnect to_disconnect(const FrameSieve::Close& close);
Disconnect to_disconnect(FrameSieve::Fault fault);

/// WsConnection over Beast; `Transport` is one of transport.hpp. The only user of Beast's WebSocket
/// besides ws_connection.cpp.
template <typename Transport>
class BeastConnection final : public WsConnection {
 public:
  template <typename... Args>
  BeastConnection(const Options& options, Args&&... transport)
      : stream_(options.max_message_bytes, std::forward<Args>(transport)...),
        offers_compression_(options.compression),
        max_message_bytes_(options.max_message_bytes),
        buffer_(options.max_message_bytes + proto::EnvelopeReader::kPadding) {
    namespace websocket = boost::beast::websocket;
    stream_.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      using boost::beast::http::field;
      request.set(field::user_agent, "backpack-bridge/" BPX_VERSION);
      // What browsers offer. Every window can be inflated, and nothing sent is compressed.
      if (offers_compression_)
        request.set(field::sec_websocket_extensions,
                    std::string(kDeflate) + "; client_max_window_bits");
    }));
    stream_.read_message_max(0);  // read_messages() judges, before anything is sent or torn down
  }

  Transport& transport() { return stream_.next_layer().next_layer(); }
  auto& socket() { return boost::beast::get_lowest_layer(stream_); }

  /// `response` is the server's answer where it grants the WebSocket; else see answer().
  boost::asio::awaitable<boost::system::error_code> handshake(
      std::string host, std::string target, boost::beast::websocket::response_type& response) {
    using namespace boost::asio::experimental::awaitable_operators;
    const auto first = co_await (stream_.async_handshake(response, host, target, kAsTuple) ||
                                 stream_.next_layer().refused());
    if (first.index() == 1) co_return boost::beast::websocket::error::upgrade_declined;
    const auto granted = extensions_of(response);
    is_compression_agreed_ = offers_compression_ && granted.contains(kDeflate);
    co_return std::get<0>(std::get<0>(first));
  }

  /// How the server's answer to the handshake begins.
  std::string_view answer() const { return stream_.next_layer().answer(); }

  boost::asio::awaitable<Disconnect> read_messages(MessageReceiver& receiver) override {
    auto& transport = stream_.next_layer();
    listen_to_control_frames(receiver);
    transport.receive(receiver, is_compression_agreed_);
    for (;;) {
      const auto [error, bytes] = co_await stream_.async_read_some(buffer_, 0, kAsTuple);
      if (transport.failure()) std::rethrow_exception(transport.failure());
      if (transport.fault() != FrameSieve::Fault::none) co_return to_disconnect(transport.fault());
      if (error && has_been_closed(error)) co_return to_disconnect(*transport.close());
      if (error) co_return to_disconnect(error);
      if (buffer_.size() > max_message_bytes_)
        co_return to_disconnect(boost::beast::websocket::error::buffer_overflow);
      if (!stream_.is_message_done()) continue;
      make_padding_readable();
      const auto message = buffer_.cdata();
      receiver.on_message({static_cast<const char*>(message.data()), message.size()},
                          transport.last_received());
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

  TimePoint last_received() const override {
    return TimePoint(std::chrono::nanoseconds(stream_.next_layer().last_received().steady_ns));
  }

 private:
  static constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

  void listen_to_control_frames(MessageReceiver& receiver) {
    namespace websocket = boost::beast::websocket;
    stream_.control_callback([&](websocket::frame_type type, boost::beast::string_view payload) {
      if (type == websocket::frame_type::ping) receiver.on_ping();
      if (type == websocket::frame_type::pong) receiver.on_pong({payload.data(), payload.size()});
    });
  }

  /// By a Close frame, of whose codes Beast does not know all.
  bool has_been_closed(const boost::system::error_code& error) {
    namespace websocket = boost::beast::websocket;
    const auto& close = stream_.next_layer().close();
    return close && close->can_be_sent() &&
           (error == websocket::error::closed || error == websocket::error::bad_close_code ||
            stream_.reason().code != websocket::close_code::none);
  }

  void make_padding_readable() {
    if (buffer_.capacity() - buffer_.size() < proto::EnvelopeReader::kPadding)
      buffer_.reserve(buffer_.size() + proto::EnvelopeReader::kPadding);
  }

  boost::beast::websocket::stream<SievedTransport<Transport>, false> stream_;  ///< inflates nothing
  bool offers_compression_;
  bool is_compression_agreed_ = false;
  std::size_t max_message_bytes_;
  boost::beast::flat_buffer buffer_;  ///< one message, reused
};

}  // namespace bpx::bridge
