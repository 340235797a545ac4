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
  NatsPatience(std::chrono::milliseconds time, std::function<bool()> is_over)
      : NatsPatience(Clock::now() + time, std::move(is_over)) {}

  bool has_ended() const { return Clock::now() >= deadline_ || is_over_(); }

  /// How long to wait before has_ended() is to be asked again: 1 ms at least.
  std::chrono::milliseconds slice() const;

  /// One part of `parts` of what is left.
  NatsPatience part(std::size_t parts) const;

 private:
  NatsPatience(Clock::time_point deadline, std::function<bool()> is_over)
      : deadline_(deadline), is_over_(std::move(is_over)) {}

  Clock::time_point deadline_;
  std::function<bool()> is_over_;
};

}  // namespace bpx::bridge
