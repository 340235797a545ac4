#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace bpx::bench {

/// Latencies in nanoseconds, every one of them kept; what is beyond four seconds counts as that.
class Latencies {
 public:
  /// Forgets all, and makes room for `count`, so that nothing allocates while measuring.
  void begin(std::size_t count) {
    values_.clear();
    values_.reserve(count);
  }

  void note(std::int64_t ns) {
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    values_.push_back(static_cast<std::uint32_t>(std::clamp<std::int64_t>(ns, 0, kMost)));
  }

  /// To be called before at().
  void sort() { std::ranges::sort(values_); }

  /// The value that a share of `quantile` does not exceed, in microseconds; the greatest at 1.
  double at(double quantile) const {
    if (values_.empty()) return 0;
    const auto rank = static_cast<std::size_t>(quantile * static_cast<double>(values_.size()));
    return values_[std::min(rank, values_.size() - 1)] / 1e3;
  }

 private:
  std::vector<std::uint32_t> values_;
};

}  // namespace bpx::bench
