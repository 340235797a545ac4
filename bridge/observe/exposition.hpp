#pragma once

#include "bridge/observe/measurements.hpp"
#include "bridge/observe/process_metrics.hpp"

#include <cstddef>
#include <string>

namespace bpx::bridge {

/// What the program is made of, for `build_info`.
struct BuildInfo {
  std::string version;
  std::string libzmq;
  std::string boost;
};

/// How many streams have series of their own; the others are summed up under `other`, so that
/// Prometheus is not flooded.
inline constexpr std::size_t kMaxStreamSeries = 2'000;

/// The text of GET /metrics, in Prometheus' format 0.0.4. Any thread.
std::string exposition(const Measurements& measurements, const ProcessMetrics& process,
                       const BuildInfo& build);

}  // namespace bpx::bridge
