#pragma once

#include <chrono>
#include <cstdint>

namespace bpx::exchange {

/// The time as the exchange sees it: the machine's, until a fault shifts it.
class ExchangeClock {
 public:
  static std::int64_t true_us() {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  /// Unix microseconds.
  std::int64_t now_us() const { return true_us() + shift_us_; }
  std::int64_t shift_us() const { return shift_us_; }
  void shift(std::chrono::milliseconds offset) { shift_us_ = offset.count() * 1000; }

 private:
  std::int64_t shift_us_ = 0;
};

}  // namespace bpx::exchange
