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
      options_.always.contains(stream) || !allows(stream))
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
  auto found = interests_.find(*stream);
  if (found == interests_.end()) {
    if (!subscription.begins) return;
    const auto consumer = subscription.caller.number;
    if (!has_room_for(consumer)) return options_.on_refused(subscription);
    found = interests_.emplace(*stream, Interest{.brought_by = consumer}).first;
    ++brought_[consumer];
    options_.on_change(*stream, true, consumer);
  } else {
    if (found->second.subscribers == 0) --lingering_;
    if (subscription.begins) options_.on_joined(*stream, subscription.caller.number);
  }
  found->second.subscribers = listeners;
  options_.on_count(*stream, listeners);
  if (listeners > 0) return;
  found->second.unwanted_since_ns = now_ns;
  ++lingering_;
}

void Demand::set_always(std::set<std::string, std::less<>> streams) {
  options_.always = std::move(streams);
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
