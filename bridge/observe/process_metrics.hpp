#pragma once

#include <cstdint>

namespace bpx::bridge {

/// What the system knows of this process, under the names that Prometheus' clients have agreed on.
/// 0 where the system does not say.
struct ProcessMetrics {
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_fds = 0;
  std::uint64_t max_fds = 0;
  double start_time_seconds = 0;  ///< Unix

  /// Reads /proc/self; any thread.
  static ProcessMetrics read();
};

}  // namespace bpx::bridge
