#include "bridge/observe/measurements.hpp"

#include "proto/stream_name.hpp"

namespace bpx::bridge {
namespace {

constexpr std::int64_t kUs = 1'000;
constexpr std::int64_t kMs = 1'000 * kUs;
constexpr std::int64_t kS = 1'000 * kMs;

constexpr std::array<std::int64_t, 16> kLagBounds = {
    100 * kUs, 250 * kUs, 500 * kUs, 1 * kMs,   2'500 * kUs, 5 * kMs,    10 * kMs, 25 * kMs,
    50 * kMs,  100 * kMs, 250 * kMs, 500 * kMs, 1 * kS,      2500 * kMs, 5 * kS,   10 * kS};

constexpr std::array<std::int64_t, 13> kForwardBounds = {
    1 * kUs,   2'500,     5 * kUs, 10 * kUs,    25 * kUs, 50 * kUs, 100 * kUs,
    250 * kUs, 500 * kUs, 1 * kMs, 2'500 * kUs, 5 * kMs,  10 * kMs};

constexpr std::array<std::int64_t, 11> kAcknowledgementBounds = {
    1 * kMs,   2'500 * kUs, 5 * kMs, 10 * kMs,    25 * kMs, 50 * kMs,
    100 * kMs, 250 * kMs,   1 * kS,  2'500 * kMs, 10 * kS};

constexpr auto kOther = "other";

std::string_view type_of(std::string_view stream) { return stream.substr(0, stream.find('.')); }

}  // namespace

StreamMeasurements::StreamMeasurements(std::string_view stream, LagMeasurements& lag_of_type)
    : name(stream),
      is_private(proto::is_private_stream(stream)),
      is_numbered(proto::numbering_of(stream) != proto::Numbering::none),
      lag(lag_of_type) {}

std::uint64_t UpstreamMeasurements::reconnects() const {
  const auto connected = connects[ConnectResult::ok].value();
  return connected > 0 ? connected - 1 : 0;
}

JetStreamMeasurements::JetStreamMeasurements() : acknowledgement(kAcknowledgementBounds) {}

std::uint64_t JetStreamMeasurements::pending() const {
  const auto settled = acknowledged.value() + refused.value();  // first: it follows the other
  const auto all = published.value();
  return all > settled ? all - settled : 0;
}

std::uint64_t JetStreamMeasurements::reconnects() const {
  const auto all = connects.value();
  return all > 0 ? all - 1 : 0;
}

Measurements::Measurements(const std::vector<std::string>& streams)
    : forward(kForwardBounds), others_(kOther, lag_.emplace(kOther, kLagBounds).first->second) {
  for (const auto& name : streams) add_configured(name);
}

StreamMeasurements& Measurements::of(std::string_view stream) {
  const auto found = by_name_.find(stream);
  return found != by_name_.end() ? *found->second.measured : others_;
}

bool Measurements::is_configured(std::string_view stream) const {
  const auto found = by_name_.find(stream);
  return found != by_name_.end() && found->second.is_configured;
}

void Measurements::add_configured(std::string_view stream) {
  if (is_configured(stream)) return;
  const std::lock_guard lock(mutex_);
  auto known = by_name_.find(stream);
  if (known == by_name_.end()) {
    const auto lag = lag_.try_emplace(std::string(type_of(stream)), kLagBounds).first;
    auto& added = known_.emplace_back(stream, lag->second);
    known = by_name_.emplace(added.name, Known{&added, false}).first;
  }
  auto& [measured, is_configured] = known->second;
  is_configured = true;
  measured->state.set(StreamState::waiting);
  if (const auto wanted = on_demand_.find(stream); wanted != on_demand_.end()) {
    measured->state.set(wanted->second.state);
    measured->subscriptions.set(wanted->second.subscribers);
  }
  configured_.emplace_back(*measured);
}

void Measurements::remove_configured(std::string_view stream) {
  if (!is_configured(stream)) return;
  const std::lock_guard lock(mutex_);
  auto& known = by_name_.find(stream)->second;
  known.is_configured = false;
  if (const auto wanted = on_demand_.find(stream); wanted != on_demand_.end())
    wanted->second.state = known.measured->state.value();
  std::erase_if(configured_,
                [&](const StreamMeasurements& measured) { return measured.name == stream; });
  rejected_.erase(std::string(stream));
}

std::vector<std::reference_wrapper<const StreamMeasurements>> Measurements::streams() const {
  const std::lock_guard lock(mutex_);
  return configured_;
}

std::vector<std::pair<std::string_view, const LagMeasurements&>> Measurements::lag() const {
  const std::lock_guard lock(mutex_);
  return {lag_.begin(), lag_.end()};
}

void Measurements::note_rejected(std::string_view stream, RejectedStream rejected) {
  if (!is_configured(stream)) return;
  const std::lock_guard lock(mutex_);
  rejected_.insert_or_assign(std::string(stream), std::move(rejected));
}

std::map<std::string, RejectedStream> Measurements::rejected() const {
  const std::lock_guard lock(mutex_);
  return rejected_;
}

void Measurements::add_on_demand(std::string_view stream) {
  const std::lock_guard lock(mutex_);
  on_demand_.try_emplace(std::string(stream));
}

void Measurements::remove_on_demand(std::string_view stream) {
  const std::lock_guard lock(mutex_);
  if (const auto found = on_demand_.find(stream); found != on_demand_.end())
    on_demand_.erase(found);
}

void Measurements::set_on_demand_state(std::string_view stream, StreamState state) {
  const std::lock_guard lock(mutex_);
  if (const auto found = on_demand_.find(stream); found != on_demand_.end())
    found->second.state = state;
}

void Measurements::set_on_demand_subscribers(std::string_view stream, std::uint64_t subscribers) {
  const std::lock_guard lock(mutex_);
  if (const auto found = on_demand_.find(stream); found != on_demand_.end())
    found->second.subscribers = subscribers;
}

std::map<std::string, OnDemandStream, std::less<>> Measurements::on_demand() const {
  const std::lock_guard lock(mutex_);
  auto wanted = on_demand_;
  std::erase_if(wanted, [this](const auto& stream) {
    const auto known = by_name_.find(stream.first);
    return known != by_name_.end() && known->second.is_configured;
  });
  return wanted;
}

}  // namespace bpx::bridge
