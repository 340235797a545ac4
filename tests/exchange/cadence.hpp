#pragma once

#include <cstdint>

namespace bpx::exchange {

inline constexpr std::int64_t kMillisecond = 1'000;  ///< in microseconds, as all times here
inline constexpr std::int64_t kSecond = 1'000 * kMillisecond;

/// Says when something periodic is due. Periods are counted from the Unix epoch.
class Cadence {
 public:
  Cadence(std::int64_t period_us, std::int64_t now_us)
      : period_us_(period_us), period_(now_us / period_us) {}

  /// Once for each period that has begun since it was last due; periods slept through count once.
  bool due(std::int64_t now_us) {
    const std::int64_t period = now_us / period_us_;
    if (period <= period_) return false;
    period_ = period;
    return true;
  }

 private:
  std::int64_t period_us_;
  std::int64_t period_;
};

}  // namespace bpx::exchange
