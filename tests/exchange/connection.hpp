#pragma once

#include "tests/exchange/envelope.hpp"
#include "tests/exchange/ledger.hpp"
#include "tests/exchange/transport.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// One client's WebSocket: a bounded queue to it, requests from it, pings, and its end.
/// Lives on the exchange's loop; its coroutines keep it and its transport alive.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = Transport::Clock;
  using UpgradeRequest = boost::beast::http::request<boost::beast::http::string_body>;

  struct Terms {
    bool compression;
    std::chrono::milliseconds ping_interval;
    std::chrono::milliseconds pong_timeout;
    std::chrono::milliseconds close_grace;
    std::size_t max_queued_bytes;
    std::size_t max_requests_per_second;  // 0: no limit
  };

  /// `ledger` outlives the loop.
  Connection(std::uint64_t number, std::shared_ptr<Transport> transport, Terms terms,
             Ledger& ledger);

  std::uint64_t number() const { return number_; }

  /// Answers `upgrade`; false where the handshake failed.
  boost::asio::awaitable<bool> accept(UpgradeRequest upgrade);
  /// Sends, pings, and hands each message received to `on_request`, until the connection ends.
  boost::asio::awaitable<void> run(std::function<void(std::string_view)> on_request);

  /// Queues a text message. Lost where the connection is closing or silent; a client that leaves
  /// too much unread is cut off.
  void send(SharedMessage message);
  void send_binary(SharedMessage message);
  /// Queues bytes that no WebSocket frame wraps.
  void send_unframed(SharedMessage bytes);
  /// Queues a Close frame; the client has the grace period to answer it.
  void close(std::uint16_t code, std::string_view reason);
  /// Cuts the connection now, whatever is queued.
  void drop(bool reset) { transport_->drop(reset); }
  /// Until then nothing but control frames is sent; what would have been is lost.
  void fall_silent(Clock::time_point until) { silent_until_ = until; }
  Transport& transport() { return *transport_; }

  std::size_t queued_bytes() const { return queued_bytes_; }

 private:
  using WebSocket = boost::beast::websocket::stream<Transport&>;

  struct Outgoing {
    enum class Kind { text, binary, unframed, close } kind;
    SharedMessage message;
    boost::beast::websocket::close_reason reason;
  };

  void enqueue(Outgoing outgoing);
  /// Notes a request; whether there were too many within a second.
  bool is_one_too_many();
  void note_control_frame(boost::beast::websocket::frame_type kind);
  boost::asio::awaitable<void> read(std::function<void(std::string_view)> on_request);
  boost::asio::awaitable<void> write();
  boost::asio::awaitable<bool> write_batch();
  boost::asio::awaitable<void> wait_until_written();
  boost::asio::awaitable<void> ping();
  /// Neither side's end of the closing handshake may take longer.
  void begin_grace();
  void end();

  const std::uint64_t number_;
  const Terms terms_;
  Ledger& ledger_;
  std::shared_ptr<Transport> transport_;  // shared with the coroutine that serves the client
  WebSocket socket_;
  bool deflate_ = false;

  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0;
  boost::asio::steady_timer queue_filled_;
  std::vector<SharedMessage> batch_;
  std::uint64_t enqueued_ = 0;
  std::uint64_t written_ = 0;
  bool write_ended_ = false;
  boost::asio::steady_timer batch_written_;
  std::deque<Clock::time_point> requests_;  // of the last second

  boost::asio::steady_timer next_ping_;
  boost::asio::steady_timer grace_;
  Clock::time_point unanswered_since_ = Clock::time_point::max();
  Clock::time_point silent_until_ = Clock::time_point::min();
  bool closing_ = false;
  bool ended_ = false;
};

}  // namespace bpx::exchange
