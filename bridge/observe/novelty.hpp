#pragma once

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Which of many events alike the log is told of, so that an outage of a night does not bury what
/// led to it: the 1st, 2nd, 4th, 8th … of a kind, one a minute, and those whose words are new. One
/// thread.
class Novelty {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  /// `count` is how many of the kind there have been, this one included.
  bool is_news(std::string_view words, std::uint64_t count, TimePoint now) {
    const bool is_new = told_.size() < kMost && told_.emplace(words).second;
    if (!is_new && !std::has_single_bit(count) && now - last_ < kReminder) return false;
    last_ = now;
    return true;
  }

  /// From now on all words are new again.
  void forget() { told_.clear(); }

 private:
  /// Others may put what they like into their words, something new each time for instance.
  static constexpr std::size_t kMost = 16;
  static constexpr std::chrono::minutes kReminder{1};

  std::set<std::string, std::less<>> told_;
  TimePoint last_{};
};

}  // namespace bpx::bridge
