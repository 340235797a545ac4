#pragma once

#include "bridge/observe/measurements.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bpx::bridge {

/// Why consumers should not rely on the bridge now, in words for a person: it is not connected,
/// streams are not yet requested or rejected, nothing has come for `idle_timeout`. Empty if they
/// can. `now_steady_ns` as of steady_ns(). Any thread.
std::vector<std::string> reasons_not_ready(const Measurements& measurements,
                                           std::chrono::milliseconds idle_timeout,
                                           std::int64_t now_steady_ns);

/// Likewise why consumers of JetStream should not rely on its having everything. Empty too where it
/// is not configured. Of no account for those who take from ZeroMQ.
std::vector<std::string> reasons_jetstream_not_ready(const JetStreamMeasurements& jetstream);

/// What is wrong with the relaying thread, if its event loop has not turned for five seconds.
std::optional<std::string> reason_not_alive(const Measurements& measurements,
                                            std::int64_t now_steady_ns);

}  // namespace bpx::bridge
