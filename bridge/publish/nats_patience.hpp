#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <utility>

namespace bpx::bridge {

/// How long somebody is ready to wait for a NATS server. Used by one thread.
class NatsPatience {
 public:
  using Clock = std::chrono::steady_clock;

  /// `is_over` is asked again and again while somebody waits: true ends the waiting at once.
  NatsPatience(Clock::duration time, std::function<bool()> is_over)
      : time_(time), deadline_(Clock::now() + time), is_over_(std::move(is_over)) {}

  bool has_ended() const { return Clock::now() >= deadline_ || is_over_(); }

  /// How long to wait before has_ended() is to be asked again: 1 ms at least.
  std::chrono::milliseconds slice() const;

  /// As long as this was, from now on.
  NatsPatience again() const { return {time_, is_over_}; }

  /// One part of `parts` of what is left.
  NatsPatience part(std::size_t parts) const;

 private:
  Clock::duration time_;
  Clock::time_point deadline_;
  std::function<bool()> is_over_;
};

}  // namespace bpx::bridge
