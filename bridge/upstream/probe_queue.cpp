#include "bridge/upstream/probe_queue.hpp"

#include <algorithm>
#include <utility>

namespace bpx::bridge {

using Standing = Probe::Standing;

void ProbeQueue::add(Index stream, const Probe::Lane& lane) {
  const auto is_of_lane = [&](const Probe& probe) { return probe.record.lane == lane; };
  const auto waiting = std::ranges::find_if(probes_, is_of_lane);
  if (waiting != probes_.end())
    waiting->streams.push_back(stream);
  else
    probes_.push_back({.streams = {stream}, .record = {.lane = lane}});
}

void ProbeQueue::remove(Index stream) {
  for (auto& probe : probes_) std::erase(probe.streams, stream);
}

void ProbeQueue::for_each(const std::function<void(Probe::Indices&)>& visit) {
  for (auto& probe : probes_) visit(probe.streams);
}

void ProbeQueue::clear() {
  probes_.clear();
  are_newcomers_next_ = true;
  next_suspects_ = 0;
}

std::optional<Probe> ProbeQueue::take(TimePoint now,
                                      const std::function<bool(Index, Standing)>& is_settled) {
  for (;;) {
    const auto next =
        std::ranges::min_element(probes_, {}, [&](const Probe& p) { return rank_of(p, now); });
    if (next == probes_.end() || now < next->not_before) return std::nullopt;
    auto taken = std::move(*next);
    probes_.erase(next);
    std::erase_if(taken.streams,
                  [&](Index i) { return is_settled(i, taken.record.lane.standing); });
    if (taken.streams.empty()) continue;
    note_turn(taken);
    return taken;
  }
}

/// The lowest is next. A consumer that comes later has a higher number, so that going down by
/// number, and beginning again at the top, comes to everybody however many come.
ProbeQueue::Rank ProbeQueue::rank_of(const Probe& probe, TimePoint now) const {
  const bool is_early = now < probe.not_before;
  if (probe.record.is_put_off()) return {is_early, 3, 0};
  if (probe.record.is_second_look) return {is_early, 0, 0};
  const auto& [standing, consumer] = probe.record.lane;
  switch (standing) {
    case Standing::kept: return {is_early, 1, 0};
    case Standing::configured: return {is_early, 2, 0};
    case Standing::newcomers: return {is_early, are_newcomers_next_ ? 4 : 5, 0};
    case Standing::suspects: break;
  }
  return {is_early, are_newcomers_next_ ? 5 : 4, next_suspects_ - consumer};
}

/// A second look is part of the turn that led to it.
void ProbeQueue::note_turn(const Probe& probe) {
  if (probe.record.is_second_look) return;
  const auto& [standing, consumer] = probe.record.lane;
  if (standing == Standing::kept || standing == Standing::configured) return;
  are_newcomers_next_ = standing == Standing::suspects;
  if (standing == Standing::suspects) next_suspects_ = consumer - 1;
}

bool ProbeQueue::has_due(TimePoint now) const {
  return std::ranges::any_of(probes_, [&](const Probe& probe) { return now >= probe.not_before; });
}

std::optional<ProbeQueue::TimePoint> ProbeQueue::next_due() const {
  if (probes_.empty()) return std::nullopt;
  return std::ranges::min(probes_, {}, &Probe::not_before).not_before;
}

std::size_t ProbeQueue::places() const {
  std::size_t places = 0;
  for (const auto& probe : probes_) places += probe.streams.size();
  return places;
}

}  // namespace bpx::bridge
