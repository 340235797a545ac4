#pragma once

#include <cstdint>
#include <optional>

namespace bpx::bridge {

/// Counts within a minute, which begins with the first that does not fall into the one before: what
/// strangers can bring about as often as they like is to be logged so many times and no more. Pure:
/// the caller says what time it is.
class MinuteCount {
 public:
  /// One more at `now_steady_ns`, as of steady_ns(). Returns which one of its minute it is, from 1.
  std::uint64_t add(std::int64_t now_steady_ns) {
    if (!began_ns_ || now_steady_ns - *began_ns_ >= kMinute) {
      began_ns_ = now_steady_ns;
      count_ = 0;
    }
    return ++count_;
  }

 private:
  static constexpr std::int64_t kMinute = 60'000'000'000;

  std::optional<std::int64_t> began_ns_;
  std::uint64_t count_ = 0;
};

}  // namespace bpx::bridge
