#pragma once

#include "bridge/observe/measurements.hpp"
#include "bridge/upstream/liveness.hpp"
#include "bridge/upstream/pace.hpp"
#include "bridge/upstream/subscriptions.hpp"
#include "bridge/upstream/ws_connection.hpp"
#include "proto/signing_key.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Writes what a connection is told, but for its end: requests at a pace, a fence behind each, and
/// pings. One thread, that of the executor; used again for the next connection.
class RequestWriter {
 public:
  struct Options {
    std::chrono::milliseconds write_timeout{90'000};
    std::chrono::milliseconds close_grace{500};  ///< for a Close frame to explain a failed write
    std::uint32_t window_ms = 5'000;             ///< of signatures
  };

  /// What it works on. All must outlive it; `key` is null where no stream is private.
  struct Parts {
    Subscriptions& subscriptions;
    Liveness& liveness;
    UpstreamMeasurements& measurements;
    const proto::SigningKey* key = nullptr;
  };

  /// What a fence brings back.
  struct Fence {
    std::uint64_t request = 0;        ///< 0: a ping behind none
    std::int64_t sent_steady_ns = 0;  ///< when it went out
  };

  /// `on_asked` is called whenever the subscriptions were asked for the next request: some may have
  /// been judged by that.
  RequestWriter(const boost::asio::any_io_executor& executor, Options options, Parts parts,
                std::function<void()> on_asked);

  /// Before a connection's requests: all that is wanted is to be asked for.
  void begin(const Pace& pace);

  /// Writes until the connection takes nothing any more; aborts it then, and returns why.
  boost::asio::awaitable<Disconnect> run(WsConnection& connection, Pace pace);

  /// There may be something to ask for.
  void wake() { again_.cancel(); }

  /// The exchange's clock has been read, or could not be. Signatures bear its time, so that until
  /// then, but no longer than two seconds, private streams wait.
  void clock_measured();

  /// Sends a ping soon.
  void ping();

  /// Whether a ping has been waiting until now for the exchange to take it.
  bool is_ping_due() const { return is_ping_due_; }

  /// nullopt for a pong to something else.
  static std::optional<Fence> read_fence(std::string_view payload);

 private:
  using Clock = std::chrono::steady_clock;

  boost::asio::awaitable<std::optional<Disconnect>> write(WsConnection& connection,
                                                          std::string_view frame);
  boost::asio::awaitable<std::optional<Disconnect>> write_ping(WsConnection& connection,
                                                               std::uint64_t request);
  std::string frame_of(const Subscriptions::Request& request) const;

  Options options_;
  Parts parts_;
  std::function<void()> on_asked_;
  boost::asio::steady_timer again_;  ///< cancelled when there may be something to write
  bool is_clock_measured_;
  bool is_ping_due_ = false;
};

}  // namespace bpx::bridge
