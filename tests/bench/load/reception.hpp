#pragma once

#include "tests/bench/load/stamp.hpp"

#include <cstdint>

namespace bpx::bench {

/// Whether one subscriber gets every message of a series once, in order.
class Reception {
 public:
  void begin(std::uint64_t first, std::uint64_t count) { *this = {first, first + count}; }

  /// False where the message does not belong to the series, or comes again.
  bool take(std::uint64_t number) {
    if (number < next_ || number >= end_) return false;
    lost_ += number - next_;
    next_ = number + 1;
    ++received_;
    return true;
  }

  bool is_complete() const { return next_ == end_; }
  std::uint64_t received() const { return received_; }
  /// What will not come any more included, once nothing comes.
  std::uint64_t lost() const { return lost_ + (end_ - next_); }

  Reception() = default;

 private:
  Reception(std::uint64_t first, std::uint64_t end) : next_(first), end_(end) {}

  std::uint64_t next_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t lost_ = 0;
};

}  // namespace bpx::bench
