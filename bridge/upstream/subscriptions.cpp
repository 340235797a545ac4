#include "bridge/upstream/subscriptions.hpp"

#include "proto/stream_name.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace bpx::bridge {

using Standing = Probe::Standing;

namespace {

constexpr std::int64_t kInvalidSignature = 4003;
constexpr std::int64_t kInvalidStream = 4006;

/// How often a refused signature is made anew before its streams count as rejected.
constexpr int kSignatureRetries = 3;

/// How often on one connection what seems settled is asked for once more because of nameless
/// errors. Each time the exchange is given twice as long; beyond that, errors are not about
/// subscriptions.
constexpr int kMaxAudits = 5;

/// So many streams that nobody wants any more, and requests beyond one for each stream, are
/// remembered without a second thought.
constexpr std::size_t kForgotten = 1'000;

/// So many consumers that want a stream are told apart until it is judged.
constexpr std::size_t kMaxWantedBy = 16;

}  // namespace

Subscriptions::Subscriptions(const Options& options, const std::vector<std::string>& wanted)
    : options_(options) {
  for (const auto& name : wanted)
    if (!by_name_.contains(name)) add(name, /*is_lasting=*/true);
}

Subscriptions::Index Subscriptions::add(std::string_view name, bool is_lasting) {
  const auto& added = wanted_.emplace_back(Wanted{.name = std::string(name),
                                                  .is_private = proto::is_private_stream(name),
                                                  .is_lasting = is_lasting});
  const auto index = static_cast<Index>(wanted_.size() - 1);
  by_name_.emplace(added.name, index);
  ++counts_[static_cast<std::size_t>(State::waiting)];
  return index;
}

Standing Subscriptions::Wanted::standing() const {
  if (state == State::rejected) return Standing::suspects;
  if (was_accepted) return Standing::kept;
  return is_lasting ? Standing::configured : Standing::newcomers;
}

void Subscriptions::want(std::string_view stream, std::uint64_t wanted_by) {
  const auto found = by_name_.find(stream);
  if (found != by_name_.end() && wanted_[found->second].is_wanted)
    return join(found->second, wanted_by);
  const auto index = found != by_name_.end() ? found->second : add_newcomer(stream);
  if (!std::exchange(wanted_[index].is_wanted, true))
    ++counts_[static_cast<std::size_t>(State::waiting)];
  wanted_[index].wanted_by = {wanted_by};
  if (is_connected_) enqueue(index);
}

void Subscriptions::join(Index stream, std::uint64_t wanted_by) {
  auto& wanted = wanted_[stream];
  if (wanted.standing() != Standing::newcomers || wanted.wanted_by.size() >= kMaxWantedBy ||
      std::ranges::find(wanted.wanted_by, wanted_by) != wanted.wanted_by.end())
    return;
  wanted.wanted_by.push_back(wanted_by);
  if (is_connected_) probes_.add(stream, {Standing::newcomers, wanted_by});
}

void Subscriptions::enqueue(Index stream) {
  const auto standing = wanted_[stream].standing();
  if (standing == Standing::kept || wanted_[stream].wanted_by.empty())
    return probes_.add(stream, {standing, 0});
  for (const auto consumer : wanted_[stream].wanted_by) probes_.add(stream, {standing, consumer});
}

void Subscriptions::unwant(std::string_view stream) {
  const auto found = by_name_.find(stream);
  if (found == by_name_.end()) return;
  auto& wanted = wanted_[found->second];
  if (wanted.is_lasting || !wanted.is_wanted) return;
  acquit(found->second);
  std::erase(unsent_, found->second);
  probes_.remove(found->second);
  const bool is_ending = std::ranges::find(ending_, found->second) != ending_.end();
  if (!is_ending && (wanted.state == State::requested || wanted.state == State::live))
    ending_.push_back(found->second);
  --counts_[static_cast<std::size_t>(wanted.state)];
  wanted.is_wanted = wanted.is_acknowledged = wanted.was_accepted = false;
  wanted.state = State::waiting;
}

void Subscriptions::set_lasting(std::string_view stream, bool is_lasting) {
  if (const auto found = by_name_.find(stream); found != by_name_.end())
    wanted_[found->second].is_lasting = is_lasting;
}

Subscriptions::Index Subscriptions::add_newcomer(std::string_view stream) {
  const auto wanted = std::accumulate(counts_.begin(), counts_.end(), std::size_t{0});
  if (wanted_.size() > 2 * wanted + kForgotten) forget_unwanted();
  return add(stream, /*is_lasting=*/false);
}

/// All but those that are still to be unsubscribed from. The others get new numbers, wherever they
/// are under way.
void Subscriptions::forget_unwanted() {
  constexpr auto kGone = std::numeric_limits<Index>::max();
  std::vector<Index> renumbered(wanted_.size(), kGone);
  for (const auto index : ending_) renumbered[index] = 0;
  by_name_.clear();
  const auto before = std::exchange(wanted_, {});
  for (Index i = 0; i < before.size(); ++i) {
    if (!before[i].is_wanted && renumbered[i] == kGone) continue;
    renumbered[i] = static_cast<Index>(wanted_.size());
    by_name_.emplace(wanted_.emplace_back(before[i]).name, renumbered[i]);
  }
  const auto renumber = [&](Indices& streams) {
    for (auto& index : streams) index = renumbered[index];
    std::erase(streams, kGone);
  };
  for (auto* streams : {&probe_.streams, &unsent_, &ending_}) renumber(*streams);
  probes_.for_each(renumber);
  for (auto& [id, request] : requests_) renumber(request.streams);
}

void Subscriptions::connection_opened() {
  connection_closed();
  forget_unwanted();
  is_connected_ = true;
  for (Index i = 0; i < wanted_.size(); ++i) enqueue(i);
  quiet_until_ = answered_by_ = {};
  verdict_after_ = options_.timing.verdict_after;
  audits_ = 0;
  needs_audit_ = false;
}

void Subscriptions::connection_closed() {
  is_connected_ = false;
  for (Index i = 0; i < wanted_.size(); ++i) {
    wanted_[i].is_in_doubt = wanted_[i].is_acknowledged = false;
    if (wanted_[i].is_wanted && wanted_[i].state != State::rejected) set_state(i, State::waiting);
  }
  probes_.clear();
  unsent_.clear();
  ending_.clear();
  requests_.clear();
  in_doubt_ = 0;
}

std::optional<Subscriptions::Request> Subscriptions::next_request(TimePoint now) {
  if (!ending_.empty()) return make_end_request();
  if (unsent_.empty() && in_doubt_ > 0) {
    if (now < verdict_at_) return std::nullopt;
    acquit_all();
  }
  if (unsent_.empty() && !begin_probe(now)) return std::nullopt;
  return make_request(now);
}

bool Subscriptions::begin_probe(TimePoint now) {
  if (now < quiet_until_) return false;
  if (needs_audit_ && !probes_.has_due(now)) begin_audit();
  auto next = probes_.take(now, [&](Index i, Standing standing) {
    const auto state = wanted_[i].state;
    if (state == State::live || !wanted_[i].is_wanted) return true;
    // It may have been judged meanwhile among what another consumer wants.
    return (state == State::requested && standing != Standing::kept) ||
           (state == State::rejected && standing == Standing::newcomers);
  });
  if (!next) return false;
  if (next->record.is_put_off() && now < answered_by_) {
    hold_until(answered_by_);
    probes_.push_front(*std::move(next));
    return false;
  }
  probe_ = *std::move(next);
  // Private streams first: an account's orders matter more than any market.
  std::stable_partition(probe_.streams.begin(), probe_.streams.end(),
                        [&](Index i) { return wanted_[i].is_private; });
  unsent_.assign(probe_.streams.rbegin(), probe_.streams.rend());
  return true;
}

Subscriptions::Request Subscriptions::make_request(TimePoint now) {
  Request request{
      .id = ++last_id_, .is_private = wanted_[unsent_.back()].is_private, .streams = {}};
  auto& sent = remember(request.id);
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
  answered_by_ = now + 2 * verdict_after_;
  return request;
}

Subscriptions::Request Subscriptions::make_end_request() {
  Request request{.id = ++last_id_,
                  .is_end = true,
                  .is_private = wanted_[ending_.back()].is_private,
                  .streams = {}};
  remember(request.id);  // its answers are about no stream
  while (!ending_.empty() && request.streams.size() < options_.batch &&
         wanted_[ending_.back()].is_private == request.is_private) {
    request.streams.push_back(wanted_[ending_.back()].name);
    ending_.pop_back();
  }
  return request;
}

/// Of those that are too many the oldest goes: it was answered long ago.
Subscriptions::SentRequest& Subscriptions::remember(std::uint64_t id) {
  if (requests_.size() > wanted_.size() + kForgotten) requests_.erase(requests_.begin());
  return requests_[id];
}

std::optional<Subscriptions::TimePoint> Subscriptions::next_deadline() const {
  if (!unsent_.empty() || !ending_.empty()) return TimePoint::min();
  if (in_doubt_ > 0) return verdict_at_;
  if (needs_audit_) return quiet_until_;
  const auto due = probes_.next_due();
  return due ? std::optional(std::max(quiet_until_, *due)) : std::nullopt;
}

bool Subscriptions::on_data(std::string_view stream) {
  const auto found = by_name_.find(stream);
  if (found == by_name_.end() || !wanted_[found->second].is_wanted) return false;
  acquit(found->second);
  wanted_[found->second].was_accepted = true;
  set_state(found->second, State::live);
  return !is_probing();
}

void Subscriptions::on_acknowledgement(std::optional<std::uint64_t> id) {
  const auto request = id ? requests_.find(*id) : requests_.end();
  if (request == requests_.end()) return;
  for (const auto index : request->second.streams) {
    if (!wanted_[index].is_wanted) continue;
    acquit(index);
    wanted_[index].is_acknowledged = wanted_[index].was_accepted = true;
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
    wanted_[index].was_accepted = true;
    if (wanted_[index].state == State::rejected) set_state(index, State::requested);
  }
}

bool Subscriptions::on_error(std::optional<std::uint64_t> id, std::int64_t code,
                             std::string_view message, TimePoint now) {
  const Verdict verdict{code, message, id.has_value(), now};
  if (!id) return on_anonymous_error(verdict);

  const auto request = requests_.find(*id);
  if (request == requests_.end()) return false;
  // The request stays known: of several bad names each may get an error.
  auto guilty = std::exchange(request->second.streams, {});
  for (const auto index : guilty) acquit(index);
  condemn(std::move(guilty), request->second.record, verdict);
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
    probes_.push_front(
        {.streams = {unsent_.rbegin(), unsent_.rend()}, .record = {.lane = probe_.record.lane}});
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
  std::erase_if(guilty,
                [&](Index i) { return wanted_[i].state == State::live || !wanted_[i].is_wanted; });
  if (guilty.empty()) return;
  for (const auto index : guilty) {
    wanted_[index].was_accepted = false;
    if (wanted_[index].state == State::requested) set_state(index, State::waiting);
  }

  const auto is_private = [&](Index i) { return wanted_[i].is_private; };
  if (verdict.code == kInvalidSignature && std::ranges::all_of(guilty, is_private))
    return retry_signature(std::move(guilty), record, verdict);
  if (guilty.size() > 1) return halve(guilty, record);
  const bool is_sure = verdict.is_certain || record.is_second_look;
  if (is_sure && (verdict.is_documented() || record.is_afresh)) {
    if (!verdict.is_certain) answered_by_ = verdict.now;  // nothing else was under way
    return reject(guilty, verdict);
  }
  look_again(guilty, record, verdict);
}

bool Subscriptions::Verdict::is_documented() const {
  return code == kInvalidSignature || code == kInvalidStream;
}

void Subscriptions::look_again(const Indices& guilty, const Record& record,
                               const Verdict& verdict) {
  answered_by_ = verdict.now + 2 * verdict_after_;
  const bool is_afresh = record.is_second_look || !verdict.is_documented();
  Probe look{
      .streams = guilty,
      .record = {.lane = record.lane.accused(), .is_second_look = true, .is_afresh = is_afresh}};
  if (look.record.is_put_off()) return probes_.push_back(std::move(look));
  hold_until(answered_by_);  // until no late answer to another can be mistaken
  // An UNSUBSCRIBE goes at once, and what it is answered passes while nobody is in doubt.
  if (is_afresh) ending_.insert(ending_.end(), guilty.begin(), guilty.end());
  probes_.push_front(std::move(look));
}

void Subscriptions::halve(const Indices& guilty, const Record& record) {
  const auto middle = guilty.begin() + static_cast<std::ptrdiff_t>(guilty.size() / 2);
  const Record halved{.lane = record.lane.accused()};
  probes_.push_front({.streams = {middle, guilty.end()}, .record = halved});
  probes_.push_front({.streams = {guilty.begin(), middle}, .record = halved});
}

/// For as long as the connection lasts: what is refused is the clock or the key, and both may be
/// set right any time.
void Subscriptions::retry_signature(Indices guilty, const Record& record, const Verdict& verdict) {
  const int refused = record.signatures_refused + 1;
  const bool is_rejected = refused > kSignatureRetries;
  if (is_rejected) reject(guilty, verdict);
  const auto delay = is_rejected ? options_.signature_again
                                 : options_.timing.signature_retry * (1 << (refused - 1));
  probes_.push_front({.streams = std::move(guilty),
                      .record = {.lane = record.lane.accused(), .signatures_refused = refused},
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
  if (found == by_name_.end() || !wanted_[found->second].is_wanted) return std::nullopt;
  return wanted_[found->second].state;
}

std::size_t Subscriptions::remembered() const {
  return wanted_.size() + requests_.size() + probe_.streams.size() + unsent_.size() +
         ending_.size() + probes_.places();
}

void Subscriptions::set_state(Index stream, State state) {
  auto& current = wanted_[stream].state;
  --counts_.at(static_cast<std::size_t>(current));
  ++counts_.at(static_cast<std::size_t>(state));
  if (std::exchange(current, state) != state && options_.on_change)
    options_.on_change(wanted_[stream].name, state);
}

}  // namespace bpx::bridge
