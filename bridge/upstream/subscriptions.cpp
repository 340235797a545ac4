#include "bridge/upstream/subscriptions.hpp"

#include "proto/stream_name.hpp"

#include <algorithm>
#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::int64_t kInvalidSignature = 4003;
constexpr std::int64_t kInvalidStream = 4006;

/// How often a refused signature is made anew before its streams count as rejected.
constexpr int kSignatureRetries = 3;

/// How often on one connection what seems settled is asked for once more because of nameless
/// errors. Each time the exchange is given twice as long; beyond that, errors are not about
/// subscriptions.
constexpr int kMaxAudits = 5;

}  // namespace

Subscriptions::Subscriptions(const Options& options, const std::vector<std::string>& wanted)
    : options_(options) {
  wanted_.reserve(wanted.size());  // by_name_ holds views of the names: they must not move
  for (const auto& name : wanted) {
    if (by_name_.contains(name)) continue;
    const auto& added =
        wanted_.emplace_back(Wanted{.name = name, .is_private = proto::is_private_stream(name)});
    by_name_.emplace(added.name, static_cast<Index>(wanted_.size() - 1));
  }
  counts_[static_cast<std::size_t>(State::waiting)] = wanted_.size();
}

void Subscriptions::connection_opened() {
  Probe fresh;
  Probe rejected_before;
  for (Index i = 0; i < wanted_.size(); ++i) {
    auto& stream = wanted_[i];
    stream.is_in_doubt = stream.is_acknowledged = false;
    if (stream.state == State::rejected) {
      rejected_before.streams.push_back(i);
    } else {
      set_state(i, State::waiting);
      fresh.streams.push_back(i);
    }
  }
  probes_.clear();
  probes_.push_back(std::move(fresh));
  probes_.push_back(std::move(rejected_before));
  unsent_.clear();
  requests_.clear();
  in_doubt_ = 0;
  quiet_until_ = {};
  verdict_after_ = options_.timing.verdict_after;
  audits_ = 0;
  needs_audit_ = false;
}

std::optional<Subscriptions::Request> Subscriptions::next_request(TimePoint now) {
  if (unsent_.empty() && in_doubt_ > 0) {
    if (now < verdict_at_) return std::nullopt;
    acquit_all();
  }
  if (unsent_.empty() && !begin_probe(now)) return std::nullopt;
  return make_request(now);
}

bool Subscriptions::begin_probe(TimePoint now) {
  if (now < quiet_until_) return false;
  if (probes_.empty() && needs_audit_) begin_audit();
  const auto is_live = [&](Index i) { return wanted_[i].state == State::live; };
  for (auto probe = probes_.begin(); probe != probes_.end();) {
    if (now < probe->not_before) {
      ++probe;
      continue;
    }
    probe_ = std::move(*probe);
    probe = probes_.erase(probe);
    std::erase_if(probe_.streams, is_live);
    if (probe_.streams.empty()) continue;
    // Private streams first: an account's orders matter more than any market.
    std::stable_partition(probe_.streams.begin(), probe_.streams.end(),
                          [&](Index i) { return wanted_[i].is_private; });
    unsent_.assign(probe_.streams.rbegin(), probe_.streams.rend());
    return true;
  }
  return false;
}

Subscriptions::Request Subscriptions::make_request(TimePoint now) {
  Request request{.id = ++last_id_,
                  .is_private = wanted_[unsent_.back()].is_private,
                  .is_afresh = probe_.record.is_afresh,
                  .streams = {}};
  auto& sent = requests_[request.id];
  sent.record = probe_.record;
  while (!unsent_.empty() && sent.streams.size() < options_.batch &&
         wanted_[unsent_.back()].is_private == request.is_private) {
    const auto index = unsent_.back();
    unsent_.pop_back();
    sent.streams.push_back(index);
    auto& stream = wanted_[index];
    request.streams.push_back(stream.name);
    if (stream.state == State::waiting) set_state(index, State::requested);
    if (stream.state != State::live && !std::exchange(stream.is_in_doubt, true)) ++in_doubt_;
  }
  verdict_at_ = now + verdict_after_;
  return request;
}

std::optional<Subscriptions::TimePoint> Subscriptions::next_deadline() const {
  if (!unsent_.empty()) return TimePoint::min();
  if (in_doubt_ > 0) return verdict_at_;
  if (probes_.empty()) return needs_audit_ ? std::optional(quiet_until_) : std::nullopt;
  return std::max(quiet_until_, std::ranges::min(probes_, {}, &Probe::not_before).not_before);
}

bool Subscriptions::on_data(std::string_view stream) {
  const auto found = by_name_.find(stream);
  if (found == by_name_.end()) return false;
  acquit(found->second);
  set_state(found->second, State::live);
  return !is_probing();
}

void Subscriptions::on_acknowledgement(std::optional<std::uint64_t> id) {
  const auto request = id ? requests_.find(*id) : requests_.end();
  if (request == requests_.end()) return;
  for (const auto index : request->second.streams) {
    acquit(index);
    wanted_[index].is_acknowledged = true;
    if (wanted_[index].state == State::rejected) set_state(index, State::requested);
  }
}

void Subscriptions::acquit(Index stream) {
  if (std::exchange(wanted_[stream].is_in_doubt, false)) --in_doubt_;
}

void Subscriptions::acquit_all() {
  for (const auto index : probe_.streams) {
    if (!wanted_[index].is_in_doubt) continue;
    acquit(index);
    if (wanted_[index].state == State::rejected) set_state(index, State::requested);
  }
}

bool Subscriptions::on_error(std::optional<std::uint64_t> id, std::int64_t code,
                             std::string_view message, TimePoint now) {
  const Verdict verdict{code, message, id.has_value(), now};
  if (!id) return on_anonymous_error(verdict);

  const auto request = requests_.find(*id);
  if (request == requests_.end()) return false;
  auto sent = std::move(request->second);
  requests_.erase(request);
  for (const auto index : sent.streams) acquit(index);
  condemn(std::move(sent.streams), sent.record, verdict);
  return true;
}

bool Subscriptions::on_anonymous_error(const Verdict& verdict) {
  const bool is_in_burst = verdict.now < quiet_until_;
  // Extended while a burst lasts, but not for ever: errors that never end must not stop everything.
  if (!is_in_burst) burst_ends_ = verdict.now + 4 * options_.timing.settle;
  hold_until(std::min(verdict.now + options_.timing.settle, burst_ends_));
  // Whoever is accused now, it may have been another, whose answer comes late.
  needs_audit_ = true;

  auto guilty = take_suspects(verdict.code == kInvalidSignature);
  if (guilty.empty()) return is_in_burst || count(State::requested) > 0;
  condemn(std::move(guilty), probe_.record, verdict);
  return true;
}

void Subscriptions::hold_until(TimePoint time) { quiet_until_ = std::max(quiet_until_, time); }

/// The streams in doubt, taken out of doubt. What of the probe was not sent yet becomes a probe of
/// its own, the next one: it has nothing to do with the error.
Subscriptions::Indices Subscriptions::take_suspects(bool signatures_alone) {
  Indices suspects;
  for (const auto index : probe_.streams) {
    if (!wanted_[index].is_in_doubt || (signatures_alone && !wanted_[index].is_private)) continue;
    acquit(index);
    suspects.push_back(index);
  }
  if (!signatures_alone && !unsent_.empty()) {
    probes_.push_front({.streams = {unsent_.rbegin(), unsent_.rend()}});
    unsent_.clear();
  }
  return suspects;
}

/// A nameless error may have come later than expected and been laid to the wrong probe. So whatever
/// has been asked for and delivered nothing is asked for once more, in peace: only silence then is
/// acceptance.
void Subscriptions::begin_audit() {
  needs_audit_ = false;
  if (++audits_ > kMaxAudits) return;
  verdict_after_ *= 2;
  Probe audit;
  for (Index i = 0; i < wanted_.size(); ++i)
    if (wanted_[i].state == State::requested && !wanted_[i].is_acknowledged)
      audit.streams.push_back(i);
  if (!audit.streams.empty()) probes_.push_back(std::move(audit));
}

void Subscriptions::condemn(Indices guilty, const Record& record, const Verdict& verdict) {
  std::erase_if(guilty, [&](Index i) { return wanted_[i].state == State::live; });
  if (guilty.empty()) return;
  for (const auto index : guilty)
    if (wanted_[index].state == State::requested) set_state(index, State::waiting);

  const auto is_private = [&](Index i) { return wanted_[i].is_private; };
  if (verdict.code == kInvalidSignature && std::ranges::all_of(guilty, is_private))
    return retry_signature(std::move(guilty), record.signatures_refused + 1, verdict);
  if (guilty.size() > 1) return halve(guilty);
  const bool is_sure = verdict.is_certain || record.is_second_look;
  if (is_sure && (verdict.is_documented() || record.is_afresh)) return reject(guilty, verdict);
  look_again(std::move(guilty), record, verdict);
}

bool Subscriptions::Verdict::is_documented() const {
  return code == kInvalidSignature || code == kInvalidStream;
}

void Subscriptions::look_again(Indices guilty, const Record& record, const Verdict& verdict) {
  hold_until(verdict.now + 2 * verdict_after_);  // until no late answer to another can be mistaken
  const bool is_afresh = record.is_second_look || !verdict.is_documented();
  probes_.push_front(
      {.streams = std::move(guilty), .record = {.is_second_look = true, .is_afresh = is_afresh}});
}

void Subscriptions::halve(const Indices& guilty) {
  const auto middle = guilty.begin() + static_cast<std::ptrdiff_t>(guilty.size() / 2);
  probes_.push_front({.streams = {middle, guilty.end()}});
  probes_.push_front({.streams = {guilty.begin(), middle}});
}

void Subscriptions::retry_signature(Indices guilty, int refused, const Verdict& verdict) {
  if (refused > kSignatureRetries) return reject(guilty, verdict);
  const auto delay = options_.timing.signature_retry * (1 << (refused - 1));
  probes_.push_front({.streams = std::move(guilty),
                      .record = {.signatures_refused = refused},
                      .not_before = verdict.now + delay});
}

void Subscriptions::reject(const Indices& guilty, const Verdict& verdict) {
  for (const auto index : guilty) {
    if (wanted_[index].state == State::rejected) continue;
    set_state(index, State::rejected);
    rejections_.push_back({wanted_[index].name, verdict.code, std::string(verdict.message)});
  }
}

std::vector<Subscriptions::Rejection> Subscriptions::take_rejections() {
  return std::exchange(rejections_, {});
}

std::optional<Subscriptions::State> Subscriptions::state_of(std::string_view stream) const {
  const auto found = by_name_.find(stream);
  if (found == by_name_.end()) return std::nullopt;
  return wanted_[found->second].state;
}

void Subscriptions::set_state(Index stream, State state) {
  auto& current = wanted_[stream].state;
  --counts_.at(static_cast<std::size_t>(current));
  ++counts_.at(static_cast<std::size_t>(state));
  current = state;
}

std::string_view to_string(Subscriptions::State state) {
  switch (state) {
    case Subscriptions::State::waiting: return "waiting";
    case Subscriptions::State::requested: return "requested";
    case Subscriptions::State::live: return "live";
    case Subscriptions::State::rejected: break;
  }
  return "rejected";
}

}  // namespace bpx::bridge
