#include "bridge/upstream/backoff.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, JittersOverTheWholeRangeAndDoublesItUpToTheMaximum) {
  std::vector<std::chrono::milliseconds> longest(8, 0ms);
  std::vector<std::chrono::milliseconds> shortest(8, 1h);
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Backoff backoff({.initial = 100ms, .max = 1'000ms}, seed);
    for (std::size_t i = 0; i < longest.size(); ++i) {
      const auto wait = backoff.after(0ms, false);
      longest[i] = std::max(longest[i], wait);
      shortest[i] = std::min(shortest[i], wait);
    }
  }
  const std::vector<std::chrono::milliseconds> ceilings = {100ms,   200ms,   400ms,   800ms,
                                                           1'000ms, 1'000ms, 1'000ms, 1'000ms};
  for (std::size_t i = 0; i < ceilings.size(); ++i) {
    EXPECT_LE(longest[i], ceilings[i]);
    EXPECT_GT(longest[i], ceilings[i] * 9 / 10);
    EXPECT_LT(shortest[i], ceilings[i] / 10);
  }
}

TEST(Backoff, StartsAnewAfterStableData) {
  Backoff backoff({.initial = 10ms, .max = 10'000ms, .stable_after = 60'000ms}, 1);
  for (int i = 0; i < 10; ++i) backoff.after(59'999ms, false);
  backoff.after(60'000ms, false);
  EXPECT_LE(backoff.after(0ms, false), 20ms);
}

TEST(Backoff, ReturnsAtOnceAfterACleanCloseButDoesNotHammer) {
  Backoff backoff({.initial = 1'000'000ms, .max = 8'000'000ms, .stable_after = 60'000ms}, 3);
  EXPECT_EQ(backoff.after(10ms, true), 0ms);
  EXPECT_GT(backoff.after(10ms, true), 0ms);
  EXPECT_EQ(backoff.after(60'000ms, true), 0ms);
}

}  // namespace
}  // namespace bpx::bridge
