#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/publish/status_topic.hpp"
#include "bridge/upstream/backoff.hpp"
#include "bridge/upstream/session.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

namespace bpx::bridge {

/// Keeps the bridge connected: runs one session after the other, for ever. The only place that
/// retries.
class Supervisor {
 public:
  Supervisor(const boost::asio::any_io_executor& executor, Session& session, Backoff backoff,
             StatusTopic& status, Log& log);

  /// Returns after stop() alone.
  boost::asio::awaitable<void> run();

  /// Ends the session in order and makes run() return.
  void stop();

 private:
  struct Said {
    ConnectResult result;
    std::chrono::steady_clock::time_point at;
  };

  void announce(const Session::End& end, std::chrono::milliseconds retry);
  /// An outage of a night must not bury what led to it: of the same failure again and again, the
  /// first, second, fourth, eighth, … attempt is told of, and one a minute.
  bool is_news(const ConnectFailure& failure);

  Session& session_;
  Backoff backoff_;
  StatusTopic& status_;
  Log& log_;
  boost::asio::steady_timer wait_;
  bool is_stopping_ = false;
  unsigned slowdowns_ = 0;      ///< connections closed in a row for asking too much
  std::uint64_t failures_ = 0;  ///< attempts that failed since the last connection
  std::optional<Said> said_;    ///< the failure last told of
};

}  // namespace bpx::bridge
