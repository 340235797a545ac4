#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace bpx::bridge {

/// Unix nanoseconds by the wall clock. For stamps alone: intervals are measured with steady_clock,
/// which no correction of the wall clock moves.
inline std::int64_t unix_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

/// Nanoseconds of a clock that only goes forward, for intervals between what threads tell each
/// other.
inline std::int64_t steady_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(steady_clock::now().time_since_epoch()).count();
}

/// Nanoseconds since the machine started, those it slept through included, during which
/// steady_clock stands still. No step of the wall clock moves it either.
inline std::int64_t boot_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

/// A moment by the first two.
struct Moment {
  std::int64_t unix_ns = 0;
  std::int64_t steady_ns = 0;

  static Moment now() { return {bridge::unix_ns(), bridge::steady_ns()}; }
};

/// A moment by the wall clock and since the machine started.
struct BootMoment {
  std::int64_t unix_ns = 0;
  std::int64_t boot_ns = 0;

  static BootMoment now() { return {bridge::unix_ns(), bridge::boot_ns()}; }
};

}  // namespace bpx::bridge
