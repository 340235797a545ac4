#include "bridge/publish/crowd.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/traffic.hpp"

#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::chrono::minutes kEpisodeEndsAfter{1};

constexpr std::int64_t kForgivenEachNs = 60'000'000'000;

/// Though it may never have been heard of: libzmq does not say what peers of ZMTP 2 ask for.
bool is_known_to_listen(int connection) {
  const auto traffic = traffic_of(connection);
  return traffic && !traffic->is_without_messages();
}

}  // namespace

Crowd::Crowd(std::string endpoint, Attendance::Bounds bounds, EndpointMeasurements& measurements,
             Log& log)
    : endpoint_(std::move(endpoint)),
      measurements_(measurements),
      log_(log),
      attendance_(bounds),
      forgiven_ns_(steady_ns()),
      crowded_(kEpisodeEndsAfter),
      greedy_(kEpisodeEndsAfter) {}

void Crowd::listening(int listener) {
  const std::lock_guard lock(mutex_);
  bouncer_.watch(listener);
}

void Crowd::arrived(int connection) {
  const std::lock_guard lock(mutex_);
  if (const auto one_too_many = attendance_.arrive(connection, steady_ns(), is_known_to_listen))
    turn_away(*one_too_many, TurnedAway::crowded, crowded_,
              "who connects so often? The file descriptors' limit may be low");
  measurements_.peers.set(attendance_.size());
}

void Crowd::left(int connection) {
  measurements_.departures.add();
  const std::lock_guard lock(mutex_);
  attendance_.leave(connection);
  measurements_.peers.set(attendance_.size());
}

void Crowd::handshake_failed() { measurements_.handshake_failures.add(); }

void Crowd::said_nothing(int connection) {
  handshake_failed();
  const std::lock_guard lock(mutex_);
  bouncer_.show_out(connection);
}

void Crowd::requested(const Caller& caller, ConsumerRequest kind, std::size_t bytes) {
  measurements_.requests[kind].add();
  if (kind == ConsumerRequest::other) return;
  const std::lock_guard lock(mutex_);
  if (kind == ConsumerRequest::unsubscribe) return attendance_.unsubscribe(caller, bytes);
  for (const auto greedy : attendance_.subscribe(caller, bytes))
    turn_away(greedy, TurnedAway::subscriptions, greedy_,
              "a consumer subscribes to more names than there can be");
}

void Crowd::look_around() {
  const std::lock_guard lock(mutex_);
  if (steady_ns() - forgiven_ns_ < kForgivenEachNs) return;
  forgiven_ns_ = steady_ns();
  attendance_.forgive();
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
