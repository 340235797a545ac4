#pragma once

#include "bridge/clock.hpp"

#include <cstdint>

namespace bpx::bridge {

/// One reading of the exchange's clock, in nanoseconds: what ours said when asked and when
/// answered, and the exchange's in between.
struct ClockReading {
  std::int64_t asked_ns = 0;     ///< Unix
  std::int64_t answered_ns = 0;  ///< asked_ns and what it took
  std::int64_t exchange_ns = 0;  ///< Unix
  std::int64_t asked_boot_ns = 0;

  std::int64_t round_trip_ns() const { return answered_ns - asked_ns; }
  /// The exchange's clock − ours, taking both ways for equally long: wrong by half the round trip
  /// at most.
  std::int64_t offset_ns() const { return at_asking_ns() - asked_ns; }
  /// The exchange's clock − boot_ns(), likewise.
  std::int64_t ahead_of_boot_ns() const { return at_asking_ns() - asked_boot_ns; }

 private:
  std::int64_t at_asking_ns() const { return exchange_ns - round_trip_ns() / 2; }
};

/// What the exchange's clock says at `now`, Unix nanoseconds: by the reading that gave
/// `ahead_of_boot_ns`, whatever the wall clock has been set to since. Ours, where that is 0: there
/// has been none.
inline std::int64_t exchange_time_ns(std::int64_t ahead_of_boot_ns, const BootMoment& now) {
  return ahead_of_boot_ns == 0 ? now.unix_ns : ahead_of_boot_ns + now.boot_ns;
}

}  // namespace bpx::bridge
