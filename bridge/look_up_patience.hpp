#pragma once

#include <algorithm>
#include <chrono>

namespace bpx::bridge {

/// When another look-up of a name is to be begun beside one that does not end: the system's has no
/// deadline where it asks by TCP, and a name server that vanishes behind its first word would hold
/// it for ever. The patience doubles each time, so that threads which never return stay few. Pure;
/// of one name.
class LookUpPatience {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LookUpPatience(Clock::duration first = std::chrono::minutes(1)) : first_(first) {}

  /// One is begun; none is under way that may still end.
  void begin(Clock::time_point now) { begin(first_, now); }
  /// Another is begun beside the one that is lost.
  void begin_another(Clock::time_point now) { begin(std::min(2 * patience_, kLast), now); }

  bool is_over(Clock::time_point now) const { return now - began_ >= patience_; }

 private:
  static constexpr Clock::duration kLast = std::chrono::minutes(10);

  void begin(Clock::duration patience, Clock::time_point now) {
    patience_ = patience;
    began_ = now;
  }

  Clock::duration first_;
  Clock::duration patience_{};
  Clock::time_point began_;
};

}  // namespace bpx::bridge
