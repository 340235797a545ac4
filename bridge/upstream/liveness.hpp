#pragma once

#include "bridge/observe/vocabulary.hpp"

#include <chrono>

namespace bpx::bridge {

/// When to ping a connection, and when it counts as dead. It is *idle* once nothing has come for
/// `idle_timeout`, and a ping has gone unanswered for half of it; *mute* once no data has come for
/// `data_timeout` although something came in the second half of it. A bridge that was kept from its
/// work, and has neither read nor asked, so asks before it judges. Without I/O or clock. One
/// thread.
class Liveness {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  struct Options {
    Milliseconds idle_timeout{90'000};
    Milliseconds data_timeout{30'000};   ///< 0: never mute
    Milliseconds ping_interval{30'000};  ///< how often the round trip is measured
  };

  /// When something last came, whatever it was, and when data last did.
  struct Heard {
    TimePoint anything{};
    TimePoint data{};
  };

  struct End {
    TimePoint at = TimePoint::max();
    DisconnectReason reason = DisconnectReason::idle;  ///< or `mute`
  };

  explicit Liveness(const Options& options) : options_(options) {}

  /// A stream that speaks all the time has delivered: from now on it means something that no data
  /// comes. Until then the streams may have nothing to say.
  void expect_data() { expects_data_ = options_.data_timeout > Milliseconds(0); }

  /// A ping is being sent; something had last come at `received`.
  void pinged(TimePoint received, TimePoint now);

  /// When to send the next ping: once half of a timeout has passed in silence, and otherwise now
  /// and then to measure the round trip.
  TimePoint ping_due(const Heard& heard) const;

  /// When the connection counts as dead, if nothing more comes until then.
  End end(const Heard& heard, TimePoint now) const;

 private:
  Options options_;
  bool expects_data_ = false;
  TimePoint last_ping_{};
  TimePoint unanswered_{};  ///< the first ping since something last came, if it is later than that
};

}  // namespace bpx::bridge
