#pragma once

#include "bridge/clock.hpp"
#include "bridge/observe/measurements.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace bpx::bridge {

/// What /status says beside the measurements.
struct StatusContext {
  std::string version;
  std::uint64_t epoch_us = 0;          ///< start of the bridge, Unix µs
  std::int64_t started_steady_ns = 0;  ///< the same by the clock that nobody sets
  std::chrono::milliseconds idle_timeout{90'000};
  std::uint64_t queue_bytes = 268'435'456;  ///< publish.queue_bytes
};

/// The JSON of GET /status: the whole state of the bridge, and of each configured stream. For the
/// operator: private streams' names are in it, their data is not.
std::string status_report(const Measurements& measurements, const StatusContext& context,
                          Moment now);

/// The JSON of GET /readyz. `ready` tells whether it is to go with status 200 or 503.
struct ReadinessReport {
  bool ready = false;
  std::string json;
};
ReadinessReport readiness_report(const Measurements& measurements, const StatusContext& context,
                                 Moment now);

}  // namespace bpx::bridge
