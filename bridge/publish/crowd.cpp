#include "bridge/publish/crowd.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/traffic.hpp"

#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::chrono::minutes kEpisodeEndsAfter{1};

constexpr auto kCrowdedMend = "who connects so often? The file descriptors' limit may be low";

/// The thread that relays may want to tell of a request meanwhile.
constexpr int kTurnedAwayAtOnce = 100;

constexpr std::int64_t kForgivenEachNs = 60'000'000'000;
constexpr std::int64_t kReportedEachNs = 900'000'000;  // with each look of one a second

}  // namespace

Crowd::Crowd(std::string endpoint, bool has_curve, Attendance::Bounds bounds,
             EndpointMeasurements& measurements, Log& log)
    : endpoint_(std::move(endpoint)),
      has_curve_(has_curve),
      measurements_(measurements),
      log_(log),
      attendance_(bounds),
      forgiven_ns_(steady_ns()),
      crowded_(kEpisodeEndsAfter),
      greedy_(kEpisodeEndsAfter) {}

void Crowd::bound(std::size_t connections) {
  const std::lock_guard lock(mutex_);
  attendance_.bound(connections);
}

void Crowd::listening(int listener) {
  const std::lock_guard lock(mutex_);
  bouncer_.watch(listener);
}

void Crowd::arrived(int connection) {
  // Though it may never have been heard of: libzmq does not say what peers of ZMTP 2 ask for.
  const auto is_known_to_listen = [this](int other) {
    const auto traffic = traffic_of(other);
    return traffic && !traffic->is_without_messages(has_curve_);
  };
  const std::lock_guard lock(mutex_);
  peers_.arrived(connection);
  if (const auto one_too_many = attendance_.arrive(connection, steady_ns(), is_known_to_listen))
    turn_away(*one_too_many, TurnedAway::crowded, crowded_, kCrowdedMend);
  measurements_.peers.set(attendance_.size());
}

void Crowd::could_not_accept() {
  const std::lock_guard lock(mutex_);
  for (int left = kTurnedAwayAtOnce; left > 0; --left) {
    const auto peer = bouncer_.turn_away_one();
    if (!peer) return;
    note_turned_away(*peer, TurnedAway::crowded, crowded_, kCrowdedMend);
  }
}

void Crowd::identify(int connection) {
  const std::lock_guard lock(mutex_);
  peers_.identify(connection);
}

std::string Crowd::left(int connection) {
  measurements_.departures.add();
  const std::lock_guard lock(mutex_);
  attendance_.leave(connection);
  measurements_.peers.set(attendance_.size());
  const auto peer = peers_.left(connection);
  return peer ? peer->address.host : std::string();
}

void Crowd::handshake_failed() { measurements_.handshake_failures.add(); }

void Crowd::said_nothing(int connection) {
  handshake_failed();
  const std::lock_guard lock(mutex_);
  show_out(connection);
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
  peers_.look(measurements_.bytes.value());
  const auto now = steady_ns();
  if (now - reported_ns_ > kReportedEachNs) {
    reported_ns_ = now;
    report_consumers();
  }
  if (now - forgiven_ns_ > kForgivenEachNs) {
    forgiven_ns_ = now;
    attendance_.forgive();
  }
}

void Crowd::report_consumers() {
  std::vector<ConnectedConsumer> consumers;
  consumers.reserve(peers_.all().size());
  for (const auto& [connection, peer] : peers_.all())
    consumers.push_back({.address = peer.address.text(),
                         .since_ns = peer.since_ns,
                         .subscriptions = attendance_.subscriptions(connection),
                         .unsent_bytes = peer.unsent,
                         .is_behind = peer.lag.is_behind()});
  measurements_.consumers.set(std::move(consumers));
}

std::uint64_t Crowd::furthest_behind() const {
  const std::lock_guard lock(mutex_);
  const auto furthest = peers_.furthest_behind();
  return furthest ? peers_.all().at(*furthest).lag.bytes() : 0;
}

bool Crowd::evict_furthest_behind(std::uint64_t queued) {
  const std::lock_guard lock(mutex_);
  const auto furthest = peers_.furthest_behind();
  if (!furthest) return false;
  const bool is_evicted = show_out(*furthest).has_value();
  if (is_evicted) {
    const auto& peer = peers_.all().at(*furthest);
    measurements_.evicted.add();
    measurements_.last_evicted_ns.set(unix_ns());
    log_.warn("evicted",
              {{"endpoint", endpoint_},
               {"consumer", peer.address.text()},
               {"behind_bytes", peer.lag.bytes()},
               {"queued_bytes", queued},
               {"check", "why does it not read? publish.queue_bytes bounds what waits"}});
  }
  peers_.gives_up(*furthest);  // else nobody's turn would come but that of one who has gone
  return is_evicted;
}

void Crowd::queue_is_full() {
  measurements_.slow_episodes.add();
  measurements_.last_slow_ns.set(unix_ns());
  const std::lock_guard lock(mutex_);
  peers_.look(measurements_.bytes.value());
  const auto furthest = peers_.furthest_behind();
  log_.warn("slow consumer",
            {{"endpoint", endpoint_},
             {"consumer", furthest ? peers_.all().at(*furthest).address.text() : "unknown"},
             {"behind", peers_.count_behind()},
             {"episodes", measurements_.slow_episodes.value()},
             {"effect", "it loses messages and sees holes in sequence"}});
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
  if (const auto peer = show_out(connection)) note_turned_away(*peer, reason, episode, mend);
}

/// Returns where it came from; nullopt where it has gone already.
std::optional<PeerAddress> Crowd::show_out(int connection) {
  const auto peer = peers_.all().find(connection);
  return bouncer_.show_out(connection,
                           peer != peers_.all().end() ? peer->second.address : PeerAddress{});
}

void Crowd::note_turned_away(const PeerAddress& peer, TurnedAway reason, Episode& episode,
                             std::string_view mend) {
  auto& counter = measurements_.turned_away[reason];
  counter.add();
  if (episode.begins(steady_ns()))
    log_.warn("turned away", {{"endpoint", endpoint_},
                              {"reason", to_string(reason)},
                              {"consumer", peer.text()},
                              {"connections", attendance_.size()},
                              {"count", counter.value()},
                              {"check", mend}});
}

}  // namespace bpx::bridge
