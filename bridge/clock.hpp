#pragma once

#include <chrono>
#include <cstdint>

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

/// A moment by both.
struct Moment {
  std::int64_t unix_ns = 0;
  std::int64_t steady_ns = 0;

  static Moment now() { return {bridge::unix_ns(), bridge::steady_ns()}; }
};

}  // namespace bpx::bridge
