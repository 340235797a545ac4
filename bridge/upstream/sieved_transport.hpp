#pragma once

#include "bridge/clock.hpp"
#include "bridge/upstream/frame_sieve.hpp"
#include "bridge/upstream/transport.hpp"
#include "bridge/upstream/ws_connection.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bpx::bridge {

/// Stands between a transport and Beast's WebSocket. Beast reads a message with a turn of the event
/// loop and two copies, which costs more than all that is done with the message. So what has come
/// is read in one go, and whole plain text messages go to the receiver from there, compressed ones
/// likewise; Beast, which always has a read under way, sees the rest.
template <typename Next>
class SievedTransport {
 public:
  using next_layer_type = Next;
  using executor_type = typename Next::executor_type;

  template <typename... Args>
  explicit SievedTransport(std::size_t max_message_bytes, Args&&... next)
      : next_(std::forward<Args>(next)...),
        sieve_(max_message_bytes),
        refusal_(next_.get_executor(), boost::asio::steady_timer::time_point::max()) {}

  executor_type get_executor() { return next_.get_executor(); }
  Next& next_layer() { return next_; }
  const Next& next_layer() const { return next_; }

  /// The beginning of the answer to the handshake.
  const std::string& answer() const { return answer_; }

  /// Returns once that answer refuses, and what it says has had a while to come. However long that
  /// goes on is the server's choice.
  boost::asio::awaitable<void> refused() {
    constexpr std::chrono::milliseconds kForTheBody{200};
    co_await refusal_.async_wait(kAsTuple);
    refusal_.expires_after(kForTheBody);
    co_await refusal_.async_wait(kAsTuple);
  }

  /// The handshake is over: messages go to `receiver`, which must outlive all reading.
  void receive(MessageReceiver& receiver, bool is_compression_agreed) {
    receiver_ = &receiver;
    answer_ = {};
    sieve_.handshake_is_over(is_compression_agreed);
  }

  /// When something last came.
  const Moment& last_received() const { return received_; }

  /// What a receiver threw: the read it happened in has ended with an error.
  const std::exception_ptr& failure() const { return failure_; }

  /// What was wrong with a compressed message: likewise.
  FrameSieve::Fault fault() const { return sieve_.fault(); }

  /// The server's Close frame, once it has come.
  const std::optional<FrameSieve::Close>& close() const { return sieve_.close(); }

  template <typename Buffers, typename Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return boost::asio::async_compose<Token, void(boost::system::error_code, std::size_t)>(
        ReadOperation<Buffers>{*this, buffers}, token, next_);
  }

  template <typename Buffers, typename Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return next_.async_write_some(buffers, std::forward<Token>(token));
  }

 private:
  static constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

  template <typename Buffers>
  struct ReadOperation {
    SievedTransport& transport;
    Buffers buffers;
    enum { begins, has_posted, has_read } state = begins;

    template <typename Self>
    void operator()(Self& self, boost::system::error_code error = {}, std::size_t bytes = 0) {
      if (error) return self.complete(error, 0);
      if (state == has_read)
        error = transport.take_in(bytes);
      else
        transport.hand_on_messages();
      // A cancellation may come between a read's end and its telling: nobody but this sees it then.
      if (transport.is_broken() || self.cancelled() != boost::asio::cancellation_type::none)
        error = boost::asio::error::operation_aborted;
      if (!error && transport.sieve_.rest().empty()) return read(self);
      if (state != begins) return self.complete(error, error ? 0 : transport.give(buffers));
      state = has_posted;  // who begins an operation is not to be told of its end at once
      boost::asio::post(transport.get_executor(), std::move(self));
    }

    template <typename Self>
    void read(Self& self) {
      state = has_read;
      const auto space = transport.sieve_.space();
      transport.next_.async_read_some(boost::asio::buffer(space.data(), space.size()),
                                      std::move(self));
    }
  };

  /// Up to what is for Beast, or all. What the transport still holds has come with what was read,
  /// at the same moment.
  boost::system::error_code take_in(std::size_t bytes) {
    boost::system::error_code error;
    received_ = Moment::now();
    do {
      sieve_.filled(bytes);
      hand_on_messages();
      if (is_broken() || !sieve_.rest().empty()) break;
      bytes = read_received(next_, sieve_.space(), error);
    } while (bytes > 0);
    return error;
  }

  bool is_broken() const { return failure_ || fault() != FrameSieve::Fault::none; }

  void hand_on_messages() try {
    if (receiver_ == nullptr || failure_) return;
    while (const auto message = sieve_.take_message()) {
      if (const auto next = sieve_.next_message()) receiver_->on_message_in_sight(*next);
      receiver_->on_message(*message, received_);
    }
  } catch (...) {
    failure_ = std::current_exception();
  }

  template <typename Buffers>
  std::size_t give(const Buffers& buffers) {
    const auto rest = sieve_.rest();
    const auto bytes =
        boost::asio::buffer_copy(buffers, boost::asio::buffer(rest.data(), rest.size()));
    if (receiver_ == nullptr) keep_answer(rest.first(bytes));
    sieve_.taken(bytes);
    return bytes;
  }

  void keep_answer(std::span<const std::uint8_t> bytes) {
    constexpr std::size_t kMost = 16'384;  // room for a head as long as Beast takes it
    constexpr std::string_view kGranted = "HTTP/1.1 101";
    answer_.append(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                      bytes.size(), kMost - answer_.size())));
    if (is_refused_ || answer_.starts_with(kGranted)) return;
    is_refused_ = answer_.find("\r\n\r\n") != std::string::npos;
    if (is_refused_) refusal_.cancel();
  }

  Next next_;
  FrameSieve sieve_;
  std::string answer_;  ///< to the handshake, as far as it has been told
  bool is_refused_ = false;
  boost::asio::steady_timer refusal_;    ///< cancelled once it is known
  MessageReceiver* receiver_ = nullptr;  ///< null during the handshake
  Moment received_;
  std::exception_ptr failure_;
};

template <typename Next, typename Handler>
void async_teardown(boost::beast::role_type role, SievedTransport<Next>& transport,
                    Handler&& handler) {
  async_teardown(role, transport.next_layer(), std::forward<Handler>(handler));
}

}  // namespace bpx::bridge
