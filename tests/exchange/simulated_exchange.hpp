#pragma once

#include "tests/exchange/exchange_options.hpp"
#include "tests/exchange/fault.hpp"
#include "tests/exchange/frame.hpp"
#include "tests/exchange/records.hpp"
#include "tests/support/deadline.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// An exchange that a client cannot tell from the real one, on a thread of its own.
///
/// Listens when constructed, stops when destroyed. Every function may be called from any thread.
/// What is published, sent raw or inflicted takes effect in the order of the calls of one thread.
class SimulatedExchange {
 public:
  /// Throws where a port or a file cannot be had, or the options contradict each other.
  explicit SimulatedExchange(ExchangeOptions options);
  ~SimulatedExchange();
  SimulatedExchange(const SimulatedExchange&) = delete;
  SimulatedExchange& operator=(const SimulatedExchange&) = delete;

  /// `wss://<host name>:<port>`, or `ws://` without TLS.
  std::string websocket_url() const;
  /// `https://<host name>:<port>`: the same port, for every path but `/`.
  std::string rest_url() const;
  std::uint16_t port() const;
  /// 0 where there is no control port.
  std::uint16_t control_port() const;
  /// The authority to trust; empty without TLS.
  const std::string& ca_pem() const;

  /// Data to every connection that is subscribed to the stream: wrapped into the envelope, else
  /// byte for byte. Returns at once.
  void publish(std::string stream, std::string data_json);
  /// In order, with one hand-over.
  void publish_all(std::vector<Frame> frames);
  /// A message as it is, to every connection.
  void send_raw(std::string text);
  void send_raw_binary(std::string bytes);
  /// What `/api/v1/depth?symbol=` answers from now on; the market's own depth where `body` is
  /// empty.
  void script_depth(std::string symbol, std::string body);

  /// What `/api/v1/depth` would say of a market if it had no limit.
  std::string whole_depth(const std::string& symbol) const;

  /// Returns when the fault has begun.
  void apply(const Fault& fault);
  /// In order: refuses connections, sends Close 1001 to all, and waits for their answer for at most
  /// the grace period.
  void shut_down();

  // These block until it is so, or the deadline passes, and say whether it is so.

  /// WebSocket connections accepted since the start.
  bool wait_for_connections(std::uint64_t accepted,
                            std::chrono::milliseconds deadline = test::kDeadline) const;
  bool wait_for_open_connections(std::uint64_t open,
                                 std::chrono::milliseconds deadline = test::kDeadline) const;
  /// Whatever can be told by the counters.
  bool wait_for(const std::function<bool(const Counters&)>& holds,
                std::chrono::milliseconds deadline = test::kDeadline) const;
  /// The newest connection, while it is open, is subscribed to `stream`.
  bool wait_for_subscription(const std::string& stream,
                             std::chrono::milliseconds deadline = test::kDeadline) const;
  /// The newest connection, while it is open, holds at least `count` subscriptions.
  bool wait_for_subscriptions(std::size_t count,
                              std::chrono::milliseconds deadline = test::kDeadline) const;
  /// The newest connection, while it is open, is subscribed to exactly `streams`.
  bool wait_for_exactly(const std::set<std::string>& streams,
                        std::chrono::milliseconds deadline = test::kDeadline) const;
  /// Text messages received since the start.
  bool wait_for_requests(std::uint64_t count,
                         std::chrono::milliseconds deadline = test::kDeadline) const;
  /// Messages sent without error since the start.
  bool wait_for_sent(std::uint64_t count,
                     std::chrono::milliseconds deadline = test::kDeadline) const;
  /// A message with this text, envelope and all, sent without error. What its connection sent
  /// before it is then in `sent()` too.
  bool wait_for_sent(std::string_view text,
                     std::chrono::milliseconds deadline = test::kDeadline) const;

  /// Of the newest connection, sorted; empty once it has ended.
  std::vector<std::string> subscriptions() const;
  /// In the order received; the newest `ExchangeOptions::record_limit`.
  std::vector<ReceivedRequest> requests() const;
  /// In the order sent, connection by connection; the newest `ExchangeOptions::record_limit`.
  std::vector<SentFrame> sent() const;
  Counters counters() const;
  std::uint64_t connections() const { return counters().connections; }
  std::uint64_t open_connections() const { return counters().open_connections; }
  /// The newest connection negotiated permessage-deflate.
  bool deflate_negotiated() const;
  /// Of the Close frame received last from any client; 0 where none came.
  std::uint16_t client_close_code() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace bpx::exchange
