#pragma once

#include <chrono>
#include <thread>

namespace bpx::test {

/// What a test waits for as long as it takes, on the busiest machine and under sanitizers. A run
/// that passes never comes near it: whoever gives up here has met a fault.
inline constexpr std::chrono::seconds kDeadline{60};

/// Whether `condition` holds, or comes to in time. For what tells nobody when it changes; it is
/// looked at again and again.
template <typename Condition>
bool comes_true(Condition&& condition,
                std::chrono::milliseconds between = std::chrono::milliseconds(5)) {
  using Clock = std::chrono::steady_clock;
  for (const auto end = Clock::now() + kDeadline; !condition();) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(between);
  }
  return true;
}

}  // namespace bpx::test
