#include "tests/exchange/pacer.hpp"

#include <cmath>

namespace bpx::exchange {

void Pacer::start(double per_second, std::int64_t now_us) {
  per_second_ = per_second;
  start_us_ = now_us;
  happened_ = 0;
}

std::int64_t Pacer::due_us(std::int64_t now_us) const {
  if (unlimited()) return now_us;
  if (per_second_ <= 0) return kNever;
  const double after_us = static_cast<double>(happened_ + 1) / per_second_ * 1e6;
  // Rates such as 1e-300 are due beyond what the clock can say.
  if (after_us > 1e17) return kNever;
  return start_us_ + std::llround(after_us);
}

void Pacer::forgive(std::int64_t now_us) {
  constexpr std::int64_t kSecond = 1'000'000;
  if (due_us(now_us) < now_us - kSecond) start(per_second_, now_us);
}

}  // namespace bpx::exchange
