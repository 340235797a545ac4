#pragma once

#include <chrono>

namespace bpx::bridge {

/// When to ping a connection, and when it counts as dead: once nothing has come for `timeout`, and
/// a ping has gone unanswered for half of it. A bridge that was kept from its work, and has neither
/// read nor asked, so asks before it judges. Without I/O or clock. One thread.
class Idleness {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  Idleness(Milliseconds timeout, Milliseconds ping_interval)
      : timeout_(timeout), ping_interval_(ping_interval) {}

  /// A ping is being sent; something had last come at `received`.
  void pinged(TimePoint received, TimePoint now);

  /// When to send the next ping: once half the timeout has passed in silence, and otherwise now and
  /// then to measure the round trip.
  TimePoint ping_due(TimePoint received) const;

  /// When the connection counts as dead, if nothing comes until then.
  TimePoint end(TimePoint received, TimePoint now) const;

 private:
  Milliseconds timeout_;
  Milliseconds ping_interval_;
  TimePoint last_ping_{};
  TimePoint unanswered_{};  ///< the first ping since something last came, if it is later than that
};

}  // namespace bpx::bridge
