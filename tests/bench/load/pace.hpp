#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace bpx::bench {

/// When messages are due: `count` of them, `rate` a second in bursts of `burst`. An infinite rate
/// means: at any time. What is late is due at once.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr auto kForever = std::numeric_limits<std::uint64_t>::max();

  /// Nothing is due, ever.
  Pace() = default;

  Pace(double rate, std::uint64_t burst, std::uint64_t count, Clock::time_point began)
      : rate_(rate), burst_(burst), count_(count), began_(began) {}

  std::uint64_t sent() const { return sent_; }
  bool is_over() const { return sent_ == count_; }
  Clock::time_point began() const { return began_; }
  std::uint64_t burst() const { return burst_; }

  /// How many are due, whole bursts.
  std::uint64_t due(Clock::time_point now) const {
    if (is_over() || now < began_) return 0;
    const auto left = count_ - sent_;
    if (rate_ == std::numeric_limits<double>::infinity()) return left;
    const std::chrono::duration<double> elapsed = now - began_;
    const auto bursts =
        static_cast<std::uint64_t>(elapsed.count() * rate_ / static_cast<double>(burst_)) + 1;
    return std::min(left, bursts * burst_ - std::min(sent_, bursts * burst_));
  }

  /// When the next burst is due, if one is.
  Clock::time_point next() const {
    if (is_over()) return Clock::time_point::max();
    const auto bursts = sent_ / burst_;
    const std::chrono::duration<double> after(static_cast<double>(bursts * burst_) / rate_);
    return began_ + std::chrono::duration_cast<Clock::duration>(after);
  }

  void advance(std::uint64_t messages) { sent_ += messages; }

 private:
  double rate_ = 0;
  std::uint64_t burst_ = 1;
  std::uint64_t count_ = 0;
  Clock::time_point began_{};
  std::uint64_t sent_ = 0;
};

}  // namespace bpx::bench
