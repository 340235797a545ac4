#pragma once

#include "bridge/observe/episode.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/publish/attendance.hpp"
#include "bridge/publish/bouncer.hpp"
#include "bridge/publish/peer_address.hpp"
#include "bridge/publish/peers.hpp"
#include "bridge/publish/subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// Those who are connected to one endpoint, strangers and enemies among them. Bounds how many
/// they are, so that the bridge keeps file descriptors and memory for itself, and how much they
/// subscribe to; ends the connections that are too much, counts them, and logs that once a
/// minute; knows who is behind. Thread safe: connections are told of by one thread, subscriptions
/// by another.
class Crowd {
 public:
  /// `endpoint`: public or private.
  Crowd(std::string endpoint, bool has_curve, Attendance::Bounds bounds,
        EndpointMeasurements& measurements, Log& log);

  /// From now on there is room for so many at most.
  void bound(std::size_t connections);

  /// A listener of the endpoint, and connections that it accepted, by file descriptor.
  void listening(int listener);
  void arrived(int connection);
  /// Learns its address. To be called a moment later, when it is known not to have left again.
  void identify(int connection);
  /// Returns the host it came from; empty where that is unknown.
  std::string left(int connection);
  /// libzmq could not accept what waits at the door, for want of a file descriptor.
  void could_not_accept();
  /// A connection did not become a consumer's: a language that is not ZeroMQ's, or an early end.
  void handshake_failed();
  /// Nor did this one, which has to go: silence.
  void said_nothing(int connection);

  /// What a consumer sends; `bytes` is what a subscription, or its end, counts for in Attendance.
  void requested(const Caller& caller, ConsumerRequest kind, std::size_t bytes);

  /// To be called each second, and more often where much waits for consumers.
  void look_around();

  /// By how many bytes the consumer is behind that is furthest; 0 where nobody is for long.
  std::uint64_t furthest_behind() const;
  /// Ends that one's connection, unless it has ended already. `queued`: bytes that wait for all.
  bool evict_furthest_behind(std::uint64_t queued);

  /// A consumer's queue has become full: says whose, as far as that can be seen.
  void queue_is_full();

  /// Nothing that consumers have sent by now is left to be told of.
  void caught_up();

  /// Who has left since this was last asked, by descriptor, which another may have by now.
  std::vector<int> take_left();
  bool is_here(int connection) const;

 private:
  void turn_away(int connection, TurnedAway reason, Episode& episode, std::string_view mend);
  std::optional<PeerAddress> show_out(int connection);
  void note_turned_away(const PeerAddress& peer, TurnedAway reason, Episode& episode,
                        std::string_view mend);
  void report_consumers();

  const std::string endpoint_;
  const bool has_curve_;
  EndpointMeasurements& measurements_;
  Log& log_;
  // Two threads tell. None keeps it for longer than a look at everybody takes, a microsecond each.
  mutable std::mutex mutex_;
  Attendance attendance_;
  Peers peers_;
  Bouncer bouncer_;
  std::int64_t forgiven_ns_;
  std::int64_t reported_ns_ = 0;
  Episode crowded_;
  Episode greedy_;
};

}  // namespace bpx::bridge
