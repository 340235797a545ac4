#include "bridge/publish/crowd.hpp"

#include "bridge/clock.hpp"

#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::chrono::minutes kEpisodeEndsAfter{1};

}  // namespace

Crowd::Crowd(std::string endpoint, Attendance::Bounds bounds, EndpointMeasurements& measurements,
             Log& log)
    : endpoint_(std::move(endpoint)),
      measurements_(measurements),
      log_(log),
      attendance_(bounds),
      crowded_(kEpisodeEndsAfter),
      greedy_(kEpisodeEndsAfter) {}

void Crowd::listening(int listener) {
  const std::lock_guard lock(mutex_);
  bouncer_.watch(listener);
}

void Crowd::arrived(int connection) {
  const std::lock_guard lock(mutex_);
  if (!attendance_.arrive(connection))
    turn_away(connection, TurnedAway::crowded, crowded_,
              "who connects so often? The file descriptors' limit may be low");
}

void Crowd::left(int connection) {
  measurements_.departures.add();
  const std::lock_guard lock(mutex_);
  attendance_.leave(connection);
}

void Crowd::handshake_failed() { measurements_.handshake_failures.add(); }

void Crowd::requested(const Caller& caller, ConsumerRequest kind, std::size_t bytes) {
  measurements_.requests[kind].add();
  if (kind == ConsumerRequest::other) return;
  const std::lock_guard lock(mutex_);
  if (kind == ConsumerRequest::unsubscribe) return attendance_.unsubscribe(caller, bytes);
  for (const auto greedy : attendance_.subscribe(caller, bytes))
    turn_away(greedy, TurnedAway::subscriptions, greedy_,
              "a consumer subscribes to more names than there can be");
}

void Crowd::caught_up() {
  const std::lock_guard lock(mutex_);
  attendance_.caught_up();
}

std::vector<int> Crowd::take_left() {
  const std::lock_guard lock(mutex_);
  return attendance_.take_left();
}

bool Crowd::is_here(int connection) const {
  const std::lock_guard lock(mutex_);
  return attendance_.is_here(connection);
}

std::size_t Crowd::size() const {
  const std::lock_guard lock(mutex_);
  return attendance_.size();
}

void Crowd::turn_away(int connection, TurnedAway reason, Episode& episode, std::string_view mend) {
  bouncer_.show_out(connection);
  auto& counter = measurements_.turned_away[reason];
  counter.add();
  if (episode.begins(steady_ns()))
    log_.warn("turned away", {{"endpoint", endpoint_},
                              {"reason", to_string(reason)},
                              {"connections", attendance_.size()},
                              {"count", counter.value()},
                              {"check", mend}});
}

}  // namespace bpx::bridge
