#pragma once

#include "bridge/publish/subscription.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>

namespace bpx::bridge {

/// Lets through at most `kPerSecond` within any second. One caller alone may have them all; where
/// several ask, none gets more than an equal share. Pure: the caller says what time it is.
template <std::size_t kPerSecond>
class RateLimit {
 public:
  RateLimit() { passed_at_ns_.fill(kNever); }

  /// Whether one more of `who`'s may pass, which it then has. `now_ns`: of a clock that only goes
  /// forward.
  bool admits(std::int64_t now_ns, const Caller& who) {
    if (now_ns - begun_ns_ >= kSecond) {
      const bool follows = now_ns - begun_ns_ < 2 * kSecond;
      asked_before_ = follows ? passed_of_.size() : 0;
      passed_of_.clear();
      begun_ns_ = now_ns;
    }
    auto& passed = passed_of_[who.number];
    const auto askers = std::max(passed_of_.size(), asked_before_);
    auto& oldest = passed_at_ns_[next_];
    if (now_ns - oldest < kSecond || passed >= std::max<std::size_t>(kPerSecond / askers, 1))
      return false;
    ++passed;
    oldest = now_ns;
    next_ = (next_ + 1) % kPerSecond;
    return true;
  }

 private:
  static constexpr std::int64_t kSecond = 1'000'000'000;
  static constexpr auto kNever = std::numeric_limits<std::int64_t>::min() / 2;

  std::array<std::int64_t, kPerSecond> passed_at_ns_{};  ///< the last ones, in a ring
  std::size_t next_ = 0;
  /// Of the second that began then: who asked, by number, and how often that passed.
  std::int64_t begun_ns_ = kNever;
  std::unordered_map<std::uint64_t, std::size_t> passed_of_;
  std::size_t asked_before_ = 0;  ///< how many did in the second before it
};

}  // namespace bpx::bridge
