#include "bridge/upstream/subscriptions.hpp"

#include "proto/stream_name.hpp"

#include <algorithm>
#include <cctype>

namespace bpx::bridge {
namespace {

using Milliseconds = Subscriptions::Milliseconds;

constexpr std::int64_t kInvalidSignature = 4003;
constexpr std::int64_t kInvalidStream = 4006;

/// How often a refused signature is made anew before its streams count as rejected.
constexpr int kSignatureRetries = 3;

/// Intervals double so often at most.
constexpr int kMostDoublings = 4;

/// After so many refusals in a row that say nothing of names, the exchange is full.
constexpr std::size_t kFullAfter = 4;

/// A fence that has not come back by then never will.
constexpr Milliseconds kFenceLost{2'000};

/// How long after its fence an error is waited for, once one has come late.
constexpr Milliseconds kFirstPatience{250};
constexpr Milliseconds kMostPatience{4'000};

/// After a late error it is so long quiet before anything is asked.
constexpr Milliseconds kSettle{1'000};

/// So many consumers that want a stream are told apart until it is judged.
constexpr int kMostJoined = 16;

bool is_about_names(std::int64_t code) {
  return code == kInvalidStream || code == kInvalidSignature;
}

/// Of an error that tells of what is so already.
bool says_already(std::string_view message) {
  constexpr std::string_view kAlready = "already";
  const auto is_same = [](unsigned char a, unsigned char b) { return std::tolower(a) == b; };
  return !std::ranges::search(message, kAlready, is_same).empty();
}

}  // namespace

Subscriptions::Subscriptions(const Options& options, const std::vector<std::string>& wanted)
    : options_(options) {
  for (const auto& name : wanted) add(name, {.is_lasting = true});
  if (!options_.canary.empty()) add(options_.canary, {.is_wanted = false});
}

void Subscriptions::add(std::string_view name, Stream stream) {
  stream.is_private = proto::is_private_stream(name);
  if (streams_.emplace(name, stream).second) count(stream, 1);
}

void Subscriptions::want(std::string_view name, std::uint64_t wanted_by) {
  const auto found = streams_.find(name);
  if (found == streams_.end()) {
    add(name, {.wanted_by = wanted_by});
  } else if (auto& stream = found->second; !stream.is_wanted) {  // the canary, which is asked for
    stream.is_wanted = true;
    count(stream, 1);
    if (options_.on_change) options_.on_change(name, stream.state);
    return;
  } else if (stream.is_lasting || stream.is_settled || ++stream.joined > kMostJoined) {
    return;
  }
  if (is_connected_) join({Rank::others, wanted_by}, name);
}

void Subscriptions::join(const Lane& lane, std::string_view name) {
  const bool is_private = proto::is_private_stream(name);
  auto& asks = lanes_[lane];
  const auto has_room = [&](const Ask& ask) {
    return ask.part_of == 0 && !ask.is_confirmation && !ask.is_repetition &&
           ask.streams.size() < options_.batch &&
           (ask.streams.empty() || proto::is_private_stream(ask.streams.front()) == is_private);
  };
  auto ask = std::ranges::find_if(asks, has_room);
  if (ask == asks.end()) ask = asks.insert(ask, Ask{.lane = lane});
  if (std::ranges::find(ask->streams, name) == ask->streams.end()) ask->streams.emplace_back(name);
}

void Subscriptions::unwant(std::string_view name) {
  const auto found = streams_.find(name);
  if (found == streams_.end() || found->second.is_lasting || !found->second.is_wanted) return;
  count(found->second, -1);
  found->second.is_wanted = false;
  if (name == options_.canary) return;
  for (auto& [lane, asks] : lanes_)
    for (auto& ask : asks) std::erase(ask.streams, name);
  for (auto& [id, ask] : open_) ask.is_incomplete |= std::erase(ask.streams, name) > 0;
  if (found->second.was_asked && std::ranges::find(ending_, name) == ending_.end())
    ending_.emplace_back(name);
  streams_.erase(found);
}

void Subscriptions::set_lasting(std::string_view name, bool is_lasting) {
  if (const auto found = streams_.find(name); found != streams_.end())
    found->second.is_lasting = is_lasting;
}

void Subscriptions::connection_opened(std::size_t at_once) {
  connection_closed();
  is_connected_ = true;
  at_once_ = at_once;
  std::map<Lane, std::vector<std::string>> waiting;
  std::vector<std::pair<Lane, std::string>> alone;
  for (auto& [name, stream] : streams_) {
    const auto lane = lane_of(name, stream);
    if (std::exchange(stream.refusal, Refusal::none) == Refusal::name)
      alone.emplace_back(lane, name);
    else
      waiting[lane].push_back(name);
  }
  for (const auto& [lane, names] : waiting) queue(lane, names);
  for (const auto& [lane, name] : alone) queue_alone(lane, name);
}

Subscriptions::Lane Subscriptions::lane_of(std::string_view name, const Stream& stream) const {
  if (name == options_.canary && !stream.is_lasting) return {Rank::canary, 0};
  if (stream.was_accepted) return {Rank::kept, 0};
  if (!stream.is_lasting) return {Rank::others, stream.wanted_by};
  return {is_doubtful(name) ? Rank::doubtful : Rank::configured, 0};
}

void Subscriptions::connection_closed() {
  is_connected_ = false;
  for (auto& [name, stream] : streams_) {
    stream.was_asked = stream.is_settled = stream.is_acknowledged = false;
    stream.tries = stream.joined = 0;
    stream.due = TimePoint::max();
    if (stream.state != State::rejected) set_state(name, stream, State::waiting);
  }
  lanes_.clear();
  ending_.clear();
  open_.clear();
  unexplained_.clear();
  refusals_in_a_row_ = 0;
  full_by_.reset();
  patience_ = {};
  quiet_until_ = {};
  next_due_ = TimePoint::max();
}

/// In batches, which are wholly private, and come first, or wholly public.
void Subscriptions::queue(const Lane& lane, const std::vector<std::string>& names,
                          bool is_repetition) {
  for (const bool is_private : {true, false}) {
    Ask* ask = nullptr;
    for (const auto& name : names) {
      if (proto::is_private_stream(name) != is_private) continue;
      if (ask == nullptr || ask->streams.size() == options_.batch)
        ask = &lanes_[lane].emplace_back(Ask{.is_repetition = is_repetition, .lane = lane});
      ask->streams.push_back(name);
    }
  }
}

/// A name that was refused before.
void Subscriptions::queue_alone(const Lane& lane, const std::string& name) {
  lanes_[lane].push_back({.streams = {name}, .is_confirmation = true, .lane = lane});
}

/// What is to be asked for again now. Of what did not fit one is tried for all.
void Subscriptions::queue_due(TimePoint now) {
  if (now < next_due_) return;
  next_due_ = TimePoint::max();
  std::vector<std::string> silent;
  std::vector<std::string> refused;
  bool is_room_tried = false;
  for (auto& [name, stream] : streams_) {
    if (stream.due > now) {
      next_due_ = std::min(next_due_, stream.due);
      continue;
    }
    stream.due = TimePoint::max();
    if (stream.refusal == Refusal::full && std::exchange(is_room_tried, true)) {
      set_due(stream, now + until_retry(stream.tries++));
      continue;
    }
    stream.is_settled = false;
    switch (stream.refusal) {
      case Refusal::none: silent.push_back(name); break;
      case Refusal::signature: refused.push_back(name); break;
      case Refusal::full:
      case Refusal::name: queue_alone(kRetries, name);
    }
  }
  queue(kRetries, silent, /*is_repetition=*/true);
  queue(kRetries, refused);
}

std::optional<Subscriptions::Request> Subscriptions::next_request(TimePoint now) {
  if (!is_connected_) return std::nullopt;
  judge(now);
  queue_due(now);
  if (is_waiting_for_verdict() || now < quiet_until_) return std::nullopt;
  auto ask = ending_.empty() ? take_ask() : std::optional(take_end());
  if (!ask) return std::nullopt;

  ask->verdict_at = now + kFenceLost + patience_;
  ask->is_private = proto::is_private_stream(ask->streams.front());
  const auto id = ++last_id_;
  const auto& sent = open_.emplace(id, *std::move(ask)).first->second;
  Request request{.id = id,
                  .is_end = sent.is_end,
                  .is_private = sent.is_private,
                  .streams = {sent.streams.begin(), sent.streams.end()}};
  if (sent.is_end) return request;
  for (const auto& name : sent.streams) {
    auto& stream = streams_.find(name)->second;
    stream.was_asked = true;
    if (stream.state == State::waiting) set_state(name, stream, State::requested);
  }
  return request;
}

Subscriptions::Ask Subscriptions::take_end() {
  Ask end{.is_end = true};
  const bool is_private = proto::is_private_stream(ending_.back());
  while (!ending_.empty() && end.streams.size() < options_.batch &&
         proto::is_private_stream(ending_.back()) == is_private) {
    end.streams.push_back(std::move(ending_.back()));
    ending_.pop_back();
  }
  return end;
}

/// The lanes of `others` take turns, each consumer before those who came earlier: however many come
/// anew, it is everybody's turn in the end.
std::optional<Subscriptions::Ask> Subscriptions::take_ask() {
  while (!lanes_.empty()) {
    auto lane = lanes_.begin();
    if (lane->first.first == Rank::others) {
      lane = lanes_.lower_bound({Rank::others, last_served_});
      lane = std::prev(lane == lanes_.begin() ? lanes_.end() : lane);
      last_served_ = lane->first.second;
    }
    auto ask = std::move(lane->second.front());
    lane->second.pop_front();
    if (lane->second.empty()) lanes_.erase(lane);
    std::erase_if(ask.streams, [&](const auto& name) { return is_settled(name); });
    if (!ask.streams.empty()) return ask;
    unexplained_.erase(ask.part_of);
  }
  return std::nullopt;
}

std::optional<Subscriptions::TimePoint> Subscriptions::next_deadline() const {
  if (!is_connected_) return std::nullopt;
  const bool has_more = !lanes_.empty() || !ending_.empty();
  if (has_more && !is_waiting_for_verdict()) return quiet_until_;
  const auto verdict = open_.empty() ? TimePoint::max() : open_.begin()->second.verdict_at;
  const auto next = std::min(verdict, next_due_);
  return next == TimePoint::max() ? std::nullopt : std::optional(next);
}

void Subscriptions::on_fence(std::uint64_t id, TimePoint now) {
  for (auto& [number, ask] : open_)
    if (number <= id) ask.verdict_at = std::min(ask.verdict_at, now + patience_);
  judge(now);
}

void Subscriptions::on_data(std::string_view name) {
  const auto found = streams_.find(name);
  if (found == streams_.end()) return;
  auto& stream = found->second;
  if (stream.was_asked) {  // otherwise it is of a subscription that is about to end
    stream.is_settled = stream.was_accepted = true;
    stream.due = TimePoint::max();
  }
  set_state(name, stream, State::live);
}

void Subscriptions::on_acknowledgement(std::optional<std::uint64_t> id) {
  const auto open = id ? open_.find(*id) : open_.end();
  if (open == open_.end()) return;
  for (const auto& name : open->second.streams)
    if (const auto found = streams_.find(name); found != streams_.end())
      found->second.is_acknowledged = true;
}

bool Subscriptions::on_error(std::optional<std::uint64_t> id, std::int64_t code,
                             std::string_view message, TimePoint now) {
  if (id > last_id_) return false;
  const auto may_be_meant = [&](const auto& open) {
    if (id) return open.first == *id;
    return code != kInvalidSignature || open.second.is_private;
  };
  const auto meant = std::ranges::find_if(open_, may_be_meant);
  if (meant == open_.end()) return be_patient(now);
  auto& error = meant->second.error;
  if (!error) error = {.code = code, .message = std::string(message), .is_certain = id.has_value()};
  return true;
}

void Subscriptions::judge(TimePoint now) {
  while (!open_.empty() && open_.begin()->second.verdict_at <= now) {
    auto judged = open_.extract(open_.begin());
    if (judged.mapped().is_end) continue;
    if (judged.mapped().error)
      refuse(judged.key(), std::move(judged.mapped()), now);
    else
      accept(judged.mapped(), now);
  }
}

void Subscriptions::accept(const Ask& ask, TimePoint now) {
  refusals_in_a_row_ = 0;
  full_by_.reset();
  for (const auto& name : ask.streams)
    if (const auto found = streams_.find(name); found != streams_.end())
      accept(name, found->second, now);
  const auto whole = unexplained_.find(ask.part_of);
  if (whole == unexplained_.end() || --whole->second > 0) return;
  unexplained_.erase(whole);
  be_patient(now);  // the error was about another request
}

void Subscriptions::accept(std::string_view name, Stream& stream, TimePoint now) {
  stream.is_settled = stream.was_accepted = true;
  const auto refusal = std::exchange(stream.refusal, Refusal::none);
  if (refusal != Refusal::none) stream.tries = 0;
  if (refusal == Refusal::full) ask_for_what_did_not_fit();
  if (stream.state == State::live) return;
  set_state(name, stream, State::requested);
  if (options_.resubscribe_after.count() == 0) return;
  set_due(stream,
          now + options_.resubscribe_after * (1 << std::min(stream.tries++, kMostDoublings)));
}

void Subscriptions::ask_for_what_did_not_fit() {
  std::vector<std::string> names;
  for (auto& [name, stream] : streams_) {
    if (stream.refusal != Refusal::full) continue;
    stream.refusal = Refusal::none;
    stream.is_settled = false;
    stream.due = TimePoint::max();
    names.push_back(name);
  }
  queue(kRetries, names);
}

void Subscriptions::refuse(std::uint64_t id, Ask ask, TimePoint now) {
  ++refusals_in_a_row_;
  unexplained_.erase(ask.part_of);
  std::erase_if(ask.streams, [&](const auto& name) { return is_settled(name); });
  if (ask.streams.empty()) {
    if (!ask.is_incomplete) be_patient(now);  // the error was about another request
    return;
  }
  const auto& error = *ask.error;
  for (const auto& name : ask.streams) {
    auto& stream = streams_.find(name)->second;
    stream.was_accepted = false;
    if (stream.state == State::requested) set_state(name, stream, State::waiting);
  }
  const auto& name = ask.streams.front();
  if (error.code == kInvalidSignature && ask.is_private) return refuse_signature(ask, now);
  if (error.code == full_by_) {
    for (const auto& one : ask.streams) reject(one, Refusal::full, error, now);
    return;
  }
  if (ask.streams.size() > 1) return split(id, std::move(ask));
  const bool is_repeated = ask.is_repetition && !is_about_names(error.code);
  if (is_repeated || says_already(error.message))
    return accept(name, streams_.find(name)->second, now);
  if (!error.is_certain && !ask.is_confirmation && !is_doubtful(name)) {
    ask.is_confirmation = true;
    // Until then a late error about another name would have come.
    if (patience_.count() > 0) {
      quiet_until_ = now + kMostPatience;
      is_settling_ = false;
    }
    return ask_for_parts(id, ask, {ask.streams});
  }
  const bool did_not_fit = streams_.find(name)->second.refusal == Refusal::full;
  const bool is_full =
      !is_about_names(error.code) && (did_not_fit || refusals_in_a_row_ >= kFullAfter);
  reject(name, is_full ? Refusal::full : Refusal::name, error, now);
  if (is_full) reject_all_parts(error, now);
}

/// Into those that are beyond doubt and the others, where there are both, or else into as many
/// parts as may be asked for at once.
void Subscriptions::split(std::uint64_t id, Ask ask) {
  auto& streams = ask.streams;
  const auto doubtful = std::stable_partition(streams.begin(), streams.end(),
                                              [&](const auto& name) { return !is_doubtful(name); });
  if (doubtful != streams.begin() && doubtful != streams.end())
    return ask_for_parts(id, ask, {{streams.begin(), doubtful}, {doubtful, streams.end()}});
  const std::size_t at_once = patience_.count() > 0 ? 1 : at_once_;
  const auto count = std::clamp<std::size_t>(at_once, 2, streams.size());
  const auto at = [&](std::size_t part) {
    return streams.begin() + static_cast<std::ptrdiff_t>(streams.size() * part / count);
  };
  std::vector<std::vector<std::string>> parts;
  for (std::size_t part = 0; part < count; ++part) parts.emplace_back(at(part), at(part + 1));
  ask_for_parts(id, ask, std::move(parts));
}

/// They are next in the lane.
void Subscriptions::ask_for_parts(std::uint64_t id, const Ask& ask,
                                  std::vector<std::vector<std::string>> parts) {
  if (!ask.is_incomplete) unexplained_[id] = parts.size();
  for (auto part = parts.rbegin(); part != parts.rend(); ++part)
    lanes_[ask.lane].push_front({.streams = std::move(*part),
                                 .is_confirmation = ask.is_confirmation,
                                 .is_repetition = ask.is_repetition,
                                 .part_of = id,
                                 .lane = ask.lane});
}

/// For as long as the connection lasts: what is refused is the clock or the key, and both may be
/// set right any time.
void Subscriptions::refuse_signature(const Ask& ask, TimePoint now) {
  for (const auto& name : ask.streams) {
    auto& stream = streams_.find(name)->second;
    if (std::exchange(stream.refusal, Refusal::signature) != Refusal::signature) stream.tries = 0;
    if (stream.tries < kSignatureRetries)
      set_due(stream, now + options_.timing.signature_retry * (1 << stream.tries++));
    else
      reject(name, Refusal::signature, *ask.error, now);
  }
}

void Subscriptions::reject(std::string_view name, Refusal refusal, const Error& error,
                           TimePoint now) {
  auto& stream = streams_.find(name)->second;
  if (std::exchange(stream.refusal, refusal) != refusal) stream.tries = 0;
  stream.is_settled = true;
  const int doublings = stream.tries++ - (refusal == Refusal::signature ? kSignatureRetries : 0);
  if (options_.retry_rejected.count() > 0) set_due(stream, now + until_retry(doublings));
  if (stream.state == State::rejected) return;
  set_state(name, stream, State::rejected);
  rejections_.push_back({std::string(name), error.code, error.message});
}

/// Nothing more fits: what was refused among others need not be asked for alone.
void Subscriptions::reject_all_parts(const Error& error, TimePoint now) {
  full_by_ = error.code;
  for (const auto& [lane, asks] : lanes_)
    for (const auto& ask : asks)
      for (const auto& name : ask.streams)
        if (ask.part_of != 0 && !is_settled(name)) reject(name, Refusal::full, error, now);
}

Milliseconds Subscriptions::until_retry(int doublings) const {
  const auto& [signature_retry, first] = options_.timing;
  return std::min(options_.retry_rejected, first * (1 << std::min(doublings, 16)));
}

/// An error came late. Whatever was accepted by silence alone may be what it was about. So that is
/// asked for again, once no more of such errors come.
bool Subscriptions::be_patient(TimePoint now) {
  if (is_settling_ && now < quiet_until_) {
    quiet_until_ = now + kSettle;
    return true;
  }
  if (patience_ >= kMostPatience) return false;
  std::vector<std::string> silent;
  for (auto& [name, stream] : streams_) {
    if (stream.state != State::requested || stream.is_acknowledged) continue;
    stream.is_settled = false;
    silent.push_back(name);
  }
  if (silent.empty()) return false;
  for (auto& [id, ask] : open_) {  // their verdicts would come too early
    ask.streams.clear();
    ask.is_incomplete = true;
  }
  patience_ = std::max(kFirstPatience, 2 * patience_);
  quiet_until_ = now + kSettle;
  is_settling_ = true;
  queue({Rank::kept, 0}, silent, /*is_repetition=*/true);
  return true;
}

std::optional<Subscriptions::State> Subscriptions::state_of(std::string_view name) const {
  const auto found = streams_.find(name);
  if (found == streams_.end() || !found->second.is_wanted) return std::nullopt;
  return found->second.state;
}

bool Subscriptions::is_settled(std::string_view name) const {
  const auto found = streams_.find(name);
  return found == streams_.end() || found->second.is_settled;
}

bool Subscriptions::is_doubtful(std::string_view name) const {
  if (!proto::is_of_known_type(name)) return true;
  if (symbols_.empty()) return false;
  const auto parsed = proto::StreamName::parse(name);
  const auto symbol = parsed ? parsed->symbol() : std::string_view{};
  return !symbol.empty() && !symbols_.contains(symbol);
}

std::size_t Subscriptions::in_question() const {
  std::size_t streams = 0;
  for (const auto& [lane, asks] : lanes_)
    for (const auto& ask : asks) streams += ask.part_of != 0 ? ask.streams.size() : 0;
  return streams;
}

std::size_t Subscriptions::remembered() const {
  auto places = streams_.size() + ending_.size() + unexplained_.size();
  for (const auto& [id, ask] : open_) places += 1 + ask.streams.size();
  for (const auto& [lane, asks] : lanes_)
    for (const auto& ask : asks) places += 1 + ask.streams.size();
  return places;
}

void Subscriptions::set_due(Stream& stream, TimePoint due) {
  stream.due = due;
  next_due_ = std::min(next_due_, due);
}

void Subscriptions::set_state(std::string_view name, Stream& stream, State state) {
  if (stream.state == state) return;
  count(stream, -1);
  stream.state = state;
  count(stream, 1);
  if (stream.is_wanted && options_.on_change) options_.on_change(name, state);
}

void Subscriptions::count(const Stream& stream, int more) {
  if (stream.is_wanted)
    counts_.at(static_cast<std::size_t>(stream.state)) += static_cast<std::size_t>(more);
}

}  // namespace bpx::bridge
