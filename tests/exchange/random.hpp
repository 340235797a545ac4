#pragma once

#include <cstdint>
#include <random>

namespace bpx::exchange {

/// Repeatable chance. The engine is fixed by the standard, and integers are drawn by plain
/// arithmetic: the standard's distributions differ from one library to the next.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// Evenly from 0 to `bound` - 1; `bound` from 1 to 2^32.
  std::int64_t below(std::int64_t bound) {
    const std::uint64_t upper_bits = engine_() >> 32;
    return static_cast<std::int64_t>((upper_bits * static_cast<std::uint64_t>(bound)) >> 32);
  }

  bool one_in(std::int64_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace bpx::exchange
