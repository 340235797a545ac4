#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/observe/novelty.hpp"
#include "bridge/publish/status_topic.hpp"
#include "bridge/upstream/backoff.hpp"
#include "bridge/upstream/session.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>

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
  void announce(const Session::End& end, std::chrono::milliseconds retry);

  Session& session_;
  Backoff backoff_;
  StatusTopic& status_;
  Log& log_;
  boost::asio::steady_timer wait_;
  bool is_stopping_ = false;
  unsigned slowdowns_ = 0;      ///< connections closed in a row for asking too much
  std::uint64_t failures_ = 0;  ///< attempts that failed since the last connection
  Novelty failure_news_;        ///< likewise
};

}  // namespace bpx::bridge
