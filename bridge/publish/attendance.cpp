#include "bridge/publish/attendance.hpp"

#include <algorithm>
#include <utility>

namespace bpx::bridge {

std::optional<int> Attendance::arrive(int connection, std::int64_t now_ns,
                                      const std::function<bool(int)>& listens) {
  leave(connection);  // the descriptor is another's now
  connections_[connection].unheard = unheard_.insert(unheard_.end(), {connection, now_ns});
  if (connections_.size() <= bounds_.connections) return std::nullopt;
  return let_go(connections_.find(longest_unheard(now_ns, listens).value_or(connection)));
}

std::optional<int> Attendance::longest_unheard(std::int64_t now_ns,
                                               const std::function<bool(int)>& listens) {
  while (!unheard_.empty() && now_ns - unheard_.front().since_ns > kSettlesInNs) {
    const auto connection = unheard_.front().connection;
    if (!listens(connection)) return connection;
    take_off_unheard(connections_.at(connection));
  }
  return std::nullopt;
}

void Attendance::take_off_unheard(Connection& connection) {
  if (connection.unheard != unheard_.end())
    unheard_.erase(std::exchange(connection.unheard, unheard_.end()));
}

void Attendance::leave(int connection) {
  const auto left = connections_.extract(connection);
  if (!left) return;
  take_off_unheard(left.mapped());
  told_left_.push_back(connection);
  topic_bytes_ -= left.mapped().topic_bytes;
  if (const auto caller = left.mapped().caller; caller != 0) left_[connection] = caller;
}

std::vector<int> Attendance::subscribe(const Caller& caller, std::size_t bytes) {
  if (!caller.is_known()) return charge_strangers(bytes);
  const auto subscriber = find(caller);
  if (subscriber == connections_.end() || subscriber->second.has_to_go) return {};
  if (bytes > 0) ++subscriber->second.topics;  // what it has already counts for nothing
  subscriber->second.topic_bytes += bytes;
  topic_bytes_ += bytes;
  if (subscriber->second.topic_bytes > bounds_.topic_bytes_each) return {let_go(subscriber)};
  if (topic_bytes_ > bounds_.topic_bytes_in_all)
    return {let_go(std::ranges::max_element(
        connections_, {}, [](const auto& entry) { return entry.second.topic_bytes; }))};
  return {};
}

/// Who has too much of what they have together, nobody can tell. They come back, and start afresh.
std::vector<int> Attendance::charge_strangers(std::size_t bytes) {
  stranger_bytes_ += bytes;
  if (stranger_bytes_ <= bounds_.topic_bytes_of_strangers) return {};
  stranger_bytes_ = 0;
  std::vector<int> strangers;
  for (auto at = connections_.begin(); at != connections_.end(); ++at)
    if (at->second.caller == 0 && !at->second.has_to_go) strangers.push_back(let_go(at));
  return strangers;
}

void Attendance::unsubscribe(const Caller& caller, std::size_t bytes) {
  const auto subscriber = find(caller);
  if (subscriber == connections_.end()) return;
  if (bytes > 0 && subscriber->second.topics > 0) --subscriber->second.topics;
  const auto given_up = std::min(bytes, subscriber->second.topic_bytes);
  subscriber->second.topic_bytes -= given_up;
  topic_bytes_ -= given_up;
}

std::optional<std::size_t> Attendance::subscriptions(int connection) const {
  const auto found = connections_.find(connection);
  if (found == connections_.end() || found->second.caller == 0) return std::nullopt;
  return found->second.topics;
}

/// The connection that `caller` has; none where it has left.
Attendance::Connections::iterator Attendance::find(const Caller& caller) {
  const auto found = connections_.find(caller.descriptor);
  if (found == connections_.end()) return found;
  if (const auto left = left_.find(caller.descriptor);
      left != left_.end() && caller.number <= left->second)
    return connections_.end();
  auto& connection = found->second;
  if (caller.number < connection.caller) return connections_.end();
  if (caller.number > connection.caller) {
    // The first it asks for. What was laid to it before was another's, who had come and gone
    // before anything of it was read.
    topic_bytes_ -= std::exchange(connection.topic_bytes, 0);
    connection.topics = 0;
    connection.caller = caller.number;
    take_off_unheard(connection);
  }
  return found;
}

int Attendance::let_go(std::map<int, Connection>::iterator connection) {
  topic_bytes_ -= std::exchange(connection->second.topic_bytes, 0);
  connection->second.has_to_go = true;
  take_off_unheard(connection->second);
  return connection->first;
}

}  // namespace bpx::bridge
