#include "bridge/relay/demand.hpp"

#include "proto/stream_name.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

namespace bpx::bridge {

Demand::Demand(Options options) : options_(std::move(options)) {}

std::optional<std::string_view> Demand::stream_of(const Subscription& subscription) const {
  const auto topic = subscription.topic;
  const auto& terminator = options_.topic_terminator;
  if (!topic.ends_with(terminator)) return std::nullopt;
  const auto stream = topic.substr(0, topic.size() - terminator.size());
  // Such a stream would not be published: its topic would end in the middle.
  if (!terminator.empty() && stream.find(terminator) != std::string_view::npos) return std::nullopt;
  if (proto::StreamName::fault_of(stream) || audience_of(stream) != subscription.audience ||
      !allows(stream))
    return std::nullopt;
  return stream;
}

/// A glob that does not itself begin with `account.` never means an account's streams.
bool Demand::allows(std::string_view stream) const {
  const std::string name(stream);
  return std::ranges::any_of(options_.allow, [&](const std::string& glob) {
    return proto::is_private_stream(stream) == proto::is_private_stream(glob) &&
           fnmatch(glob.c_str(), name.c_str(), 0) == 0;
  });
}

bool Demand::has_room_for(std::uint64_t consumer) const {
  const auto brought = brought_.find(consumer);
  return interests_.size() < kMaxStreams &&
         (brought == brought_.end() || brought->second < kMaxStreamsOfOne);
}

void Demand::on_listeners(const Subscription& subscription, std::size_t listeners,
                          std::int64_t now_ns) {
  const auto stream = stream_of(subscription);
  if (!stream) return;
  const auto found = interests_.find(*stream);
  const bool is_new = found == interests_.end();
  if (is_new && options_.always.contains(*stream))
    return note_beside(*stream, subscription, listeners);
  const auto consumer = subscription.caller.number;
  if (is_new && !subscription.begins) return;
  if (is_new && !has_room_for(consumer)) return options_.on_refused(subscription);
  auto& interest = is_new ? bring_about(*stream, consumer) : found->second;
  if (!is_new && interest.subscribers == 0) --lingering_;
  if (!is_new && subscription.begins) options_.on_joined(*stream, consumer);
  interest.subscribers = listeners;
  options_.on_count(*stream, listeners);
  if (listeners > 0) return;
  interest.unwanted_since_ns = now_ns;
  ++lingering_;
}

Demand::Interest& Demand::bring_about(std::string_view stream, std::uint64_t consumer) {
  auto& interest = interests_.emplace(stream, Interest{.brought_by = consumer}).first->second;
  ++brought_[consumer];
  options_.on_change(stream, true, consumer);
  return interest;
}

void Demand::note_beside(std::string_view stream, const Subscription& subscription,
                         std::size_t listeners) {
  auto found = beside_.find(stream);
  if (listeners == 0) {
    if (found != beside_.end()) beside_.erase(found);
    return;
  }
  if (found == beside_.end())
    found = beside_.emplace(stream, Interest{.brought_by = subscription.caller.number}).first;
  found->second.subscribers = listeners;
}

void Demand::set_always(std::set<std::string, std::less<>> streams) {
  options_.always = std::move(streams);
  for (auto beside = beside_.begin(); beside != beside_.end();) {
    const auto& [stream, wanted] = *beside;
    if (options_.always.contains(stream)) {
      ++beside;
      continue;
    }
    bring_about(stream, wanted.brought_by).subscribers = wanted.subscribers;
    options_.on_count(stream, wanted.subscribers);
    beside = beside_.erase(beside);
  }
}

void Demand::expire(std::int64_t now_ns) {
  if (lingering_ == 0) return;
  for (auto interest = interests_.begin(); interest != interests_.end();) {
    const auto& [stream, wanted] = *interest;
    if (wanted.subscribers > 0 || now_ns - wanted.unwanted_since_ns < options_.linger_ns) {
      ++interest;
      continue;
    }
    options_.on_change(stream, false, wanted.brought_by);
    --lingering_;
    if (const auto brought = brought_.find(wanted.brought_by); --brought->second == 0)
      brought_.erase(brought);
    interest = interests_.erase(interest);
  }
}

}  // namespace bpx::bridge
