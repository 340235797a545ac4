#include "bridge/upstream/subscriptions.hpp"

#include "proto/stream_name.hpp"

#include <algorithm>
#include <cctype>

namespace bpx::bridge {
namespace {

/// A refused signature is made anew so often before its streams count as rejected.
constexpr int kSignatureRetries = 3;

/// After so many refusals in a row that say nothing of names, the exchange is full.
constexpr std::size_t kFullAfter = 4;

/// So many consumers that want a stream are told apart until it is judged.
constexpr std::size_t kMostConsumers = 16;

/// Of an error that tells of what is so already.
bool says_already(std::string_view message) {
  constexpr std::string_view kAlready = "already";
  const auto is_same = [](unsigned char a, unsigned char b) { return std::tolower(a) == b; };
  return std::search(message.begin(), message.end(), kAlready.begin(), kAlready.end(), is_same) !=
         message.end();
}

}  // namespace

Subscriptions::Subscriptions(Options options, const std::vector<std::string>& wanted)
    : options_(std::move(options)) {
  for (const auto& name : wanted) {
    want(name);
    set_lasting(name, true);
  }
  if (options_.canary.empty()) return;
  const bool is_wanted = streams_.contains(options_.canary);
  want(options_.canary);
  auto& canary = streams_.find(options_.canary)->second;
  canary.is_canary = true;
  canary.is_hidden = !is_wanted;
}

void Subscriptions::want(std::string_view name, std::uint64_t consumer) {
  const auto [entry, is_new] = streams_.try_emplace(std::string(name));
  auto& stream = entry->second;
  if (is_new) {
    stream.is_private = proto::is_private_stream(name);
    stream.is_doubtful = is_doubtful(name);
  }
  if (stream.here.phase != Phase::settled && stream.consumers.size() < kMostConsumers)
    stream.consumers.push_back(consumer);
  if (std::exchange(stream.is_hidden, false) && options_.on_change)
    options_.on_change(name, stream.state);
}

void Subscriptions::unwant(std::string_view name) {
  const auto entry = streams_.find(name);
  if (entry == streams_.end() || entry->second.is_lasting) return;
  auto& stream = entry->second;
  if (std::exchange(stream.is_hidden, true)) return;
  if (options_.on_change) options_.on_change(name, State::waiting);
  if (stream.is_canary) return;
  if (stream.here.request == 0) return void(streams_.erase(entry));
  const auto& here = stream.here;
  stream.here = {.request = here.request,
                 .is_behind_end = here.is_behind_end,
                 .tries = here.is_in_force() && !here.is_in_doubt ? 1 : 0};
  stream.state = State::waiting;
}

void Subscriptions::set_lasting(std::string_view name, bool is_lasting) {
  if (const auto entry = streams_.find(name); entry != streams_.end())
    entry->second.is_lasting = is_lasting;
}

void Subscriptions::learn_markets(std::set<std::string, std::less<>> symbols) {
  symbols_ = std::move(symbols);
  bool explains_refusals = false;
  for (auto& [name, stream] : streams_) {
    stream.is_doubtful = is_doubtful(name);
    explains_refusals |= stream.is_doubtful && stream.here.company != SIZE_MAX;
  }
  if (!explains_refusals) return;
  for (auto& [name, stream] : streams_)
    if (!stream.is_doubtful && stream.here.refusal == Refusal::none) stream.here.company = SIZE_MAX;
}

bool Subscriptions::is_doubtful(std::string_view name) const {
  if (!proto::is_of_known_type(name)) return true;
  const auto parsed = proto::StreamName::parse(name);
  const auto symbol = parsed ? parsed->symbol() : std::string_view{};
  return !symbols_.empty() && !symbol.empty() && !symbols_.contains(symbol);
}

void Subscriptions::connection_opened(std::size_t at_once, bool may_sign) {
  connection_closed();
  here_.is_open = true;
  here_.may_sign = may_sign;
  here_.at_once = at_once;
  for (auto& [name, stream] : streams_)
    if (stream.here.refusal == Refusal::name) stream.here.company = 1;
}

void Subscriptions::connection_closed() {
  here_ = Connection();
  std::erase_if(streams_, [](const auto& entry) { return entry.second.is_ending(); });
  for (auto& entry : streams_) {
    auto& here = entry.second.here;
    here = {.refusal = here.refusal == Refusal::name ? Refusal::name : Refusal::none};
    if (entry.second.state != State::rejected) set_state(entry, State::waiting);
  }
}

std::optional<Subscriptions::Request> Subscriptions::next_request(TimePoint now) {
  if (!here_.is_open) return std::nullopt;
  judge(now);
  wake_due(now);
  if (!here_.fences.has_room()) return std::nullopt;
  const auto batch = next_batch(streams_, options_.batch, here_.may_sign, last_served_);
  if (batch.empty()) return std::nullopt;
  const auto& first = batch.front()->second;
  Request request{++last_id_, first.is_ending(), first.is_private};
  here_.fences.sent(request.id, request.is_private, now);
  for (const auto entry : batch) {
    auto& [name, stream] = *entry;
    request.streams.push_back(name);
    stream.here.phase = Phase::open;
    stream.here.request = request.id;
    stream.here.is_behind_end = here_.ended.contains(name);
    if (request.is_end) {
      here_.ended.insert_or_assign(name, request.id);
      streams_.erase(entry);
    } else if (stream.state == State::waiting && !stream.here.is_behind_end) {
      set_state(*entry, State::requested);
    }
  }
  return request;
}

std::optional<Subscriptions::TimePoint> Subscriptions::next_deadline() const {
  const auto next = std::min(here_.fences.due(), here_.next_due);
  return next == TimePoint::max() ? std::nullopt : std::optional(next);
}

void Subscriptions::on_fence(std::uint64_t id, TimePoint now) {
  if (!here_.fences.on_fence(id, now)) ends_are_over(id);
  judge(now);
}

void Subscriptions::on_data(std::string_view name) {
  const auto entry = streams_.find(name);
  if (entry == streams_.end() || entry->second.is_ending()) return;
  const auto& here = entry->second.here;
  if (here.request == 0 || here.is_behind_end) return;  // a subscription is about to end
  set_state(*entry, State::live);
  accept(*entry, {});
}

void Subscriptions::on_acknowledgement(std::optional<std::uint64_t> id) {
  for (auto& [name, stream] : streams_)
    stream.here.is_acknowledged |= stream.here.phase == Phase::open && stream.here.request == id;
}

bool Subscriptions::on_error(std::optional<std::uint64_t> id, std::int64_t code,
                             std::string_view message, TimePoint now) {
  if (id > last_id_) return false;
  return here_.fences.on_error(id, {code, std::string(message), id.has_value()}) ||
         doubt_silence(now);
}

void Subscriptions::judge(TimePoint now) {
  while (const auto request = here_.fences.next_verdict(now)) {
    if (request->is_back || !here_.fences.are_answered()) ends_are_over(request->id);
    Entries asked;
    for (auto& entry : streams_)
      if (const auto& here = entry.second.here; here.phase == Phase::open)
        if (here.request == request->id) asked.push_back(&entry);
    if (request->error) {
      refuse(asked, *request->error, now);
      continue;
    }
    here_.refusals_in_a_row = 0;
    for (auto* entry : asked) accept_or_repeat(*entry, now);
  }
}

/// What comes from now on of a stream that was ended by a request up to that one is not of before.
void Subscriptions::ends_are_over(std::uint64_t until) {
  std::erase_if(here_.ended, [&](const auto& end) {
    if (end.second > until) return false;
    const auto entry = streams_.find(end.first);
    if (entry == streams_.end() || entry->second.here.request <= end.second) return true;
    auto& [name, stream] = *entry;
    stream.here.is_behind_end = false;
    if (stream.here.phase == Phase::open && stream.state == State::waiting)
      set_state(*entry, State::requested);
    return true;
  });
}

/// Accepts, unless the end before is not over for certain.
void Subscriptions::accept_or_repeat(Entry& entry, TimePoint now) {
  if (!here_.ended.contains(entry.first)) return accept(entry, now);
  auto& here = entry.second.here;
  here.phase = Phase::pending;
  here.tries = std::max(here.tries, 1);  // most likely it is in force, which may be an error then
}

void Subscriptions::accept(Entry& entry, TimePoint now) {
  auto& stream = entry.second;
  stream.was_accepted = true;
  stream.here.is_behind_end = false;
  if (stream.state != State::live) set_state(entry, State::requested);
  const auto refusal = stream.here.refusal;
  settle(stream, Refusal::none, now);
  if (refusal != Refusal::full) return;
  here_.room = {};
  for (auto& [name, other] : streams_)  // they may fit too
    if (other.here.refusal == Refusal::full) other.here = {.request = other.here.request};
}

void Subscriptions::refuse(const Entries& suspects, const Fences::Error& error, TimePoint now) {
  if (suspects.empty()) return;
  ++here_.refusals_in_a_row;
  for (auto* entry : suspects) {
    auto& stream = entry->second;
    stream.here.phase = Phase::pending;
    const bool is_subscribed = stream.here.is_in_force() && !stream.here.is_in_doubt;
    if (stream.state == State::requested && !is_subscribed) set_state(*entry, State::waiting);
  }
  if (error.kind() == ExchangeError::invalid_signature && suspects.front()->second.is_private) {
    for (auto* entry : suspects) reject(*entry, Refusal::signature, error, now);
    return;
  }
  if (suspects.size() == 1) return refuse_alone(*suspects.front(), error, now);
  const auto is_doubtful = [](const Entry* entry) { return entry->second.is_doubtful; };
  const bool is_any_doubtful = std::ranges::any_of(suspects, is_doubtful);  // it is to blame
  const auto parts = std::clamp<std::size_t>(here_.at_once, 2, suspects.size());
  for (auto* entry : suspects)
    if (is_doubtful(entry) || !is_any_doubtful)
      entry->second.here.company = (suspects.size() + parts - 1) / parts;
}

void Subscriptions::refuse_alone(Entry& entry, const Fences::Error& error, TimePoint now) {
  auto& here = entry.second.here;
  const bool is_about_names = error.kind() != ExchangeError::other;
  if (says_already(error.message) || (here.is_in_force() && !is_about_names))
    return accept_or_repeat(entry, now);
  if (!error.is_certain && !entry.second.is_doubtful && here.refusal == Refusal::none &&
      entry.second.state != State::rejected) {
    here.company = 1;
    here.refusal = Refusal::name;
    here.tries = 0;
    return;
  }
  const bool is_full =
      !is_about_names && (here.refusal == Refusal::full || here_.refusals_in_a_row >= kFullAfter);
  reject(entry, is_full ? Refusal::full : Refusal::name, error, now);
  if (!is_full) return;
  for (auto& other : streams_)
    if (other.second.here.phase != Phase::settled && !other.second.is_hidden)
      reject(other, Refusal::full, error, now);
}

void Subscriptions::reject(Entry& entry, Refusal reason, const Fences::Error& error,
                           TimePoint now) {
  auto& [name, stream] = entry;
  stream.was_accepted = false;
  settle(stream, reason, now);
  const bool is_made_anew = reason == Refusal::signature && stream.here.tries <= kSignatureRetries;
  if (is_made_anew || stream.state == State::rejected) return;
  set_state(entry, State::rejected);
  rejections_.push_back({name, error.code, error.message});
}

/// What was accepted by silence may be what a late error was about.
bool Subscriptions::doubt_silence(TimePoint now) {
  const auto is_in_doubt = [](const auto& entry) {
    return entry.second.state == State::requested && !entry.second.here.is_acknowledged;
  };
  if (std::ranges::none_of(streams_, is_in_doubt) || !here_.fences.be_patient(now)) return false;
  here_.at_once = 1;
  for (auto& entry : streams_) {
    if (entry.second.here.phase != Phase::open && !is_in_doubt(entry)) continue;
    entry.second.here.phase = Phase::pending;
    entry.second.here.is_in_doubt = true;
    entry.second.here.due = TimePoint::max();
  }
  return true;
}

/// Until it is asked for again, if ever.
void Subscriptions::settle(WantedStream& stream, Refusal reason, TimePoint now) {
  auto& here = stream.here;
  if (std::exchange(here.refusal, reason) != reason) here.tries = 0;
  here.phase = Phase::settled;
  here.is_in_doubt = false;
  here.company = SIZE_MAX;
  const auto tries = here.tries++;
  Milliseconds interval = options_.resubscribe_after * (1 << std::min(tries, 4));
  if (reason == Refusal::signature && tries < kSignatureRetries)
    interval = options_.timing.signature_retry * (1 << tries);
  else if (reason != Refusal::none)
    interval = retry_after(reason == Refusal::signature ? tries - kSignatureRetries : tries);
  if (reason == Refusal::full) {  // one is tried for all
    here.due = TimePoint::max();
    if (here_.room.due == TimePoint::max() && interval.count() > 0)
      here_.room.due = now + retry_after(here_.room.tries++);
  } else {
    const bool is_never = interval.count() == 0 || stream.state == State::live;
    here.due = is_never ? TimePoint::max() : now + interval;
  }
  here_.next_due = std::min({here_.next_due, here_.room.due, here.due});
}

Subscriptions::Milliseconds Subscriptions::retry_after(int doublings) const {
  return std::min(options_.retry_rejected,
                  options_.timing.retry_first * (1 << std::min(doublings, 16)));
}

void Subscriptions::wake_due(TimePoint now) {
  if (now < here_.next_due) return;
  if (here_.room.due <= now) try_room(now);
  here_.next_due = here_.room.due;
  for (auto& [name, stream] : streams_) {
    auto& here = stream.here;
    if (here.due <= now) {
      here.phase = Phase::pending;
      here.due = TimePoint::max();
      if (here.refusal == Refusal::name) here.company = 1;
    }
    here_.next_due = std::min(here_.next_due, here.due);
  }
}

/// Asks for one stream of those that did not fit, each time for another: whatever becomes of it.
void Subscriptions::try_room(TimePoint now) {
  const auto is_full = [](const Entry& entry) {
    const auto& here = entry.second.here;
    return here.phase == Phase::settled && here.refusal == Refusal::full;
  };
  auto entry = std::find_if(streams_.upper_bound(here_.room.tried), streams_.end(), is_full);
  if (entry == streams_.end()) entry = std::ranges::find_if(streams_, is_full);
  here_.room.due = TimePoint::max();
  if (entry == streams_.end()) return;
  here_.room.due = now + retry_after(here_.room.tries++);
  here_.room.tried = entry->first;
  entry->second.here.phase = Phase::pending;
  entry->second.here.company = 1;
}

std::optional<Subscriptions::State> Subscriptions::state_of(std::string_view name) const {
  const auto entry = streams_.find(name);
  if (entry == streams_.end() || entry->second.is_hidden) return std::nullopt;
  return entry->second.state;
}

std::size_t Subscriptions::in_question() const {
  return static_cast<std::size_t>(std::ranges::count_if(streams_, [](const auto& entry) {
    return entry.second.state == State::waiting && entry.second.here.company != SIZE_MAX;
  }));
}

void Subscriptions::set_state(Entry& entry, State state) {
  auto& [name, stream] = entry;
  const auto before = std::exchange(stream.state, state);
  if (before == state) return;
  if (before == State::rejected) recoveries_.push_back(name);
  if (!stream.is_hidden && options_.on_change) options_.on_change(name, state);
}

}  // namespace bpx::bridge
