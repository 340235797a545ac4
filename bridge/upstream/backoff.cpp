#include "bridge/upstream/backoff.hpp"

#include <algorithm>

namespace bpx::bridge {

Backoff::Backoff(const Options& options, std::uint64_t seed)
    : options_(options), random_(seed), ceiling_(options.initial) {}

std::chrono::milliseconds Backoff::after(std::chrono::milliseconds lived, bool is_invited) {
  if (lived >= options_.stable_after) reset();
  if (is_invited && may_return_at_once_) {
    may_return_at_once_ = false;
    return std::chrono::milliseconds{0};
  }
  std::uniform_int_distribution<std::chrono::milliseconds::rep> up_to_ceiling(0, ceiling_.count());
  const std::chrono::milliseconds wait{up_to_ceiling(random_)};
  ceiling_ = std::min(ceiling_ * 2, options_.max);
  return wait;
}

void Backoff::reset() {
  ceiling_ = options_.initial;
  may_return_at_once_ = true;
}

}  // namespace bpx::bridge
