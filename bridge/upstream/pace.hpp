#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

namespace bpx::bridge {

/// How fast the exchange may be asked: so many requests at once, and no more than that many within
/// any second. Without I/O or clock. One thread.
class Pace {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Pace(std::size_t per_second) : per_second_(per_second) {}

  std::size_t per_second() const { return per_second_; }

  /// When the next request may go.
  TimePoint next() const {
    return sent_.size() < per_second_ ? TimePoint::min() : sent_.front() + kWindow;
  }

  void sent(TimePoint now) {
    if (sent_.size() == per_second_) sent_.pop_front();
    sent_.push_back(now);
  }

 private:
  /// A second, and a fifth of one for what the way to the exchange pushes together.
  static constexpr std::chrono::milliseconds kWindow{1'200};

  std::size_t per_second_;
  std::deque<TimePoint> sent_{};  ///< as many as count for the next one
};

}  // namespace bpx::bridge
