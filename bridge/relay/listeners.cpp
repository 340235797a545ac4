#include "bridge/relay/listeners.hpp"

#include <algorithm>

namespace bpx::bridge {

std::size_t Listeners::Topic::count() const {
  return static_cast<std::size_t>(known + std::max<std::int64_t>(unknown, 0));
}

std::optional<std::size_t> Listeners::take(const Subscription& subscription) {
  if (subscription.is_repeated) return std::nullopt;
  auto found = topics_.find(subscription.topic);
  if (found == topics_.end()) {
    if (!subscription.begins) return std::nullopt;
    found = topics_.emplace(subscription.topic, Topic{}).first;
  }
  auto& topic = found->second;
  const auto before = topic.count();
  const auto step = subscription.begins ? 1 : -1;
  if (subscription.caller.is_known())
    topic.known = std::max<std::int64_t>(topic.known + step, 0);
  else
    topic.unknown += step;
  if (subscription.has_left) ++topic.unknown;
  // No more can be awaited to leave than are there.
  topic.unknown = std::max(topic.unknown, -topic.known);
  const auto now = topic.count();
  if (topic.known == 0 && topic.unknown == 0) topics_.erase(found);
  return now == before ? std::nullopt : std::optional(now);
}

}  // namespace bpx::bridge
