#include "bridge/observe/readiness.hpp"

#include <algorithm>

namespace bpx::bridge {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerS = 1'000'000'000;
constexpr std::int64_t kAliveNs = 5 * kNsPerS;

/// A probe's answer is read in a terminal or a log: so many rejected streams are named in it.
constexpr std::size_t kNamed = 20;

void name_rejected(const Measurements& measurements, std::vector<std::string>& reasons) {
  const auto texts = measurements.rejected();
  std::size_t count = 0;
  for (const StreamMeasurements& stream : measurements.streams()) {
    if (stream.state.value() != StreamState::rejected || ++count > kNamed) continue;
    auto reason = "rejected: " + stream.name;
    if (const auto text = texts.find(stream.name); text != texts.end())
      reason += " (" + std::to_string(text->second.code) + ' ' + text->second.message + ')';
    reasons.push_back(std::move(reason));
  }
  if (count > kNamed)
    reasons.push_back("… and " + std::to_string(count - kNamed) + " more rejected");
}

}  // namespace

std::vector<std::string> reasons_not_ready(const Measurements& measurements,
                                           std::chrono::milliseconds idle_timeout,
                                           std::int64_t now_steady_ns) {
  const auto streams = measurements.streams();
  if (measurements.upstream.state.value() != LinkState::live) return {"not connected"};
  std::vector<std::string> reasons;
  const auto waiting = std::ranges::count_if(streams, [](const StreamMeasurements& stream) {
    return stream.state.value() == StreamState::waiting;
  });
  if (waiting > 0)
    reasons.push_back(std::to_string(waiting) + " of " + std::to_string(streams.size()) +
                      " streams not yet requested");
  name_rejected(measurements, reasons);
  const auto silence_ns = now_steady_ns - measurements.upstream.last_received_steady_ns.value();
  if (silence_ns >= idle_timeout.count() * kNsPerMs)
    reasons.push_back("nothing received for " + std::to_string(silence_ns / kNsPerS) + " s");
  return reasons;
}

std::vector<std::string> reasons_jetstream_not_ready(const JetStreamMeasurements& jetstream) {
  std::vector<std::string> reasons;
  if (!jetstream.is_enabled.value()) return reasons;
  if (!jetstream.connected.value()) reasons.push_back("not connected: " + jetstream.fault.get());
  if (jetstream.is_losing.value())
    reasons.push_back("losing messages: " + std::to_string(jetstream.lost()) + " so far");
  return reasons;
}

std::optional<std::string> reason_not_alive(const Measurements& measurements,
                                            std::int64_t now_steady_ns) {
  const auto still_ns = now_steady_ns - measurements.last_turn_steady_ns.value();
  if (still_ns < kAliveNs) return std::nullopt;
  return "the event loop has not turned for " + std::to_string(still_ns / kNsPerS) + " s";
}

}  // namespace bpx::bridge
