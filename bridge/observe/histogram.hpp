#pragma once

#include "bridge/observe/counter.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bpx::bridge {

/// Counts durations by size, in nanoseconds. One thread observes, any thread reads; a reader may
/// catch the sum a few observations ahead of the counts.
class Histogram {
 public:
  static constexpr std::size_t kMaxBounds = 16;

  /// `bounds_ns`: upper bounds of the buckets, ascending, at most kMaxBounds, of static storage. A
  /// last bucket takes what is beyond.
  explicit Histogram(std::span<const std::int64_t> bounds_ns) : bounds_ns_(bounds_ns) {}

  void observe(std::int64_t ns) {
    if (!is_within(last_, ns))
      last_ =
          static_cast<std::size_t>(std::ranges::lower_bound(bounds_ns_, ns) - bounds_ns_.begin());
    counts_[last_].add();
    sum_ns_.set(sum_ns_.value() + static_cast<double>(ns));
  }

  std::span<const std::int64_t> bounds_ns() const { return bounds_ns_; }
  /// Observations in a bucket: above the bound before it, up to its own.
  std::uint64_t count(std::size_t bucket) const { return counts_.at(bucket).value(); }
  double sum_ns() const { return sum_ns_.value(); }

  std::uint64_t count() const {
    std::uint64_t sum = 0;
    for (const auto& counter : counts_) sum += counter.value();
    return sum;
  }

 private:
  bool is_within(std::size_t bucket, std::int64_t ns) const {
    return (bucket == 0 || bounds_ns_[bucket - 1] < ns) &&
           (bucket == bounds_ns_.size() || ns <= bounds_ns_[bucket]);
  }

  std::span<const std::int64_t> bounds_ns_;
  std::size_t last_ = 0;  ///< the bucket of the observation before, in which most lie
  std::array<Counter, kMaxBounds + 1> counts_;
  /// No integer: what the exchange claims as its time may be centuries away, and this must not
  /// wrap.
  Gauge<double> sum_ns_;
};

}  // namespace bpx::bridge
