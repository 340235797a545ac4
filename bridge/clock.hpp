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

}  // namespace bpx::bridge
