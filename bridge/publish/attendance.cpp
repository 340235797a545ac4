#include "bridge/publish/attendance.hpp"

#include <algorithm>
#include <ranges>
#include <utility>

namespace bpx::bridge {
namespace {

/// A topic that counts for `bytes`; for none where it is had already.
template <typename Subscriber>
void take(Subscriber& subscriber, std::size_t bytes) {
  subscriber.topic_bytes += bytes;
  if (bytes > 0) ++subscriber.topics;
}

/// Returns what is not counted any more.
template <typename Subscriber>
std::size_t give_up(Subscriber& subscriber, std::size_t bytes) {
  const auto given_up = std::min(bytes, subscriber.topic_bytes);
  subscriber.topic_bytes -= given_up;
  if (bytes > 0 && subscriber.topics > 0) --subscriber.topics;
  return given_up;
}

}  // namespace

std::optional<int> Attendance::arrive(int connection, std::int64_t now_ns,
                                      const std::function<bool(int)>& listens) {
  leave(connection);  // the descriptor is another's now
  auto& arrived = connections_[connection];
  arrived.unheard = unheard_.end();
  if (const auto early = early_.extract(connection)) {
    arrived.caller = early.mapped().caller;
    arrived.topic_bytes = early.mapped().topic_bytes;
    arrived.topics = early.mapped().topics;
    topic_bytes_ += arrived.topic_bytes;
  } else {
    arrived.unheard = unheard_.insert(unheard_.end(), {connection, now_ns});
  }
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
  left_[connection] = left.mapped().caller;
}

std::vector<int> Attendance::subscribe(const Caller& caller, std::size_t bytes) {
  if (!caller.is_known()) return charge_strangers(bytes);
  const auto subscriber = find(caller);
  if (subscriber == connections_.end()) {
    charge_early(caller, bytes);
    return {};
  }
  if (subscriber->second.has_to_go) return {};
  take(subscriber->second, bytes);
  topic_bytes_ += bytes;
  if (subscriber->second.topic_bytes > bounds_.topic_bytes_each) return {let_go(subscriber)};
  if (topic_bytes_ > bounds_.topic_bytes_in_all)
    return {let_go(std::ranges::max_element(
        connections_, {}, [](const auto& entry) { return entry.second.topic_bytes; }))};
  return {};
}

bool Attendance::may_be_stranger(const Connection& connection) {
  return connection.caller == 0 && !connection.has_to_go;
}

/// Nothing of who has left, nor of whom that may be: to take somebody for known is to let it off
/// what those who cannot be told apart have together.
void Attendance::charge_early(const Caller& caller, std::size_t bytes) {
  if (connections_.contains(caller.descriptor)) return;
  if (const auto left = left_.find(caller.descriptor);
      left != left_.end() && (left->second == 0 || caller.number <= left->second))
    return;
  auto& early = early_[caller.descriptor];
  if (early.caller != caller.number) early = {.caller = caller.number};
  take(early, bytes);
}

/// Who has too much of what they have together, nobody can tell. They come back, and start afresh.
std::vector<int> Attendance::charge_strangers(std::size_t bytes) {
  stranger_bytes_ += bytes;
  stranger_bytes_ever_ += bytes;
  if (stranger_bytes_ <= bounds_.topic_bytes_of_strangers &&
      stranger_bytes_ever_ <= bounds_.topic_bytes_of_strangers_ever)
    return {};
  stranger_bytes_ = stranger_bytes_ever_ = 0;
  std::vector<int> strangers;
  for (auto at = connections_.begin(); at != connections_.end(); ++at)
    if (may_be_stranger(at->second)) strangers.push_back(let_go(at));
  return strangers;
}

void Attendance::forgive() {
  stranger_bytes_ /= 2;
  if (std::ranges::none_of(connections_ | std::views::values, may_be_stranger))
    stranger_bytes_ = stranger_bytes_ever_ = 0;
}

void Attendance::unsubscribe(const Caller& caller, std::size_t bytes) {
  const auto subscriber = find(caller);
  if (subscriber == connections_.end()) {
    const auto early = early_.find(caller.descriptor);
    if (early != early_.end() && early->second.caller == caller.number)
      give_up(early->second, bytes);
    return;
  }
  topic_bytes_ -= give_up(subscriber->second, bytes);
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
