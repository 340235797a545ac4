#pragma once

#include "bridge/observe/episode.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/publish/attendance.hpp"
#include "bridge/publish/bouncer.hpp"
#include "bridge/publish/subscription.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// Those who are connected to one endpoint, strangers and enemies among them. Bounds how many
/// they are, so that the bridge keeps file descriptors and memory for itself, and how much they
/// subscribe to; ends the connections that are too much, counts them, and logs that once a
/// minute. Thread safe: connections are told of by one thread, subscriptions by another.
class Crowd {
 public:
  /// `endpoint`: public or private.
  Crowd(std::string endpoint, Attendance::Bounds bounds, EndpointMeasurements& measurements,
        Log& log);

  /// A listener of the endpoint, and connections that it accepted, by file descriptor.
  void listening(int listener);
  void arrived(int connection);
  void left(int connection);
  /// A connection did not become a consumer's: a language that is not ZeroMQ's, or an early end.
  void handshake_failed();
  /// Nor did this one, which has to go: silence.
  void said_nothing(int connection);

  /// What a consumer sends; `bytes` is what a subscription, or its end, counts for in Attendance.
  void requested(const Caller& caller, ConsumerRequest kind, std::size_t bytes);

  /// To be called each second.
  void look_around();

  /// Nothing that consumers have sent by now is left to be told of.
  void caught_up();

  /// Who has left since this was last asked, by descriptor, which another may have by now.
  std::vector<int> take_left();
  bool is_here(int connection) const;

 private:
  void turn_away(int connection, TurnedAway reason, Episode& episode, std::string_view mend);

  const std::string endpoint_;
  EndpointMeasurements& measurements_;
  Log& log_;
  mutable std::mutex mutex_;  // two threads tell; neither keeps it for longer than a system call
  Attendance attendance_;
  Bouncer bouncer_;
  std::int64_t forgiven_ns_;
  Episode crowded_;
  Episode greedy_;
};

}  // namespace bpx::bridge
