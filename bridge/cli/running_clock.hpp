#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace bpx::bridge::cli {

/// Stands still while the process does, as by Ctrl+Z: what has come meanwhile is not late, it waits
/// to be read. To be read at least every kLongestTurn. Pure: the caller says what time it is.
class RunningClock {
 public:
  using Clock = std::chrono::steady_clock;

  /// Between two readings; what goes beyond was a halt.
  static constexpr std::chrono::milliseconds kLongestTurn{300};

  explicit RunningClock(Clock::time_point now) : seen_(now), shown_(now) {}

  Clock::time_point read(Clock::time_point now) {
    const auto before = std::exchange(seen_, now);
    return shown_ += std::min<Clock::duration>(now - before, kLongestTurn);
  }

 private:
  Clock::time_point seen_;
  Clock::time_point shown_;
};

}  // namespace bpx::bridge::cli
