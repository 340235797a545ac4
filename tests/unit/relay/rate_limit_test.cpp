#include "bridge/relay/rate_limit.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr Caller kOne{.descriptor = 10, .number = 1};
constexpr Caller kOther{.descriptor = 11, .number = 2};
constexpr Caller kThird{.descriptor = 12, .number = 3};

TEST(RateLimit, LetsThroughNoMoreThanItsNumberWithinAnySecond) {
  RateLimit<3> limit;
  for (const auto ms : {0, 400, 900}) EXPECT_TRUE(limit.admits(ms * kMs, kOne)) << ms;
  EXPECT_FALSE(limit.admits(999 * kMs, kOne));
  EXPECT_TRUE(limit.admits(1'000 * kMs, kOne));
  EXPECT_FALSE(limit.admits(1'399 * kMs, kOne));
  EXPECT_TRUE(limit.admits(1'400 * kMs, kOne));
}

TEST(RateLimit, DoesNotCountWhatItRefused) {
  RateLimit<2> limit;
  EXPECT_TRUE(limit.admits(0, kOne));
  EXPECT_TRUE(limit.admits(0, kOne));
  for (int ms = 1; ms < 1'000; ms += 100) EXPECT_FALSE(limit.admits(ms * kMs, kOne));
  EXPECT_TRUE(limit.admits(1'000 * kMs, kOne));
}

TEST(RateLimit, GivesNobodyMoreThanAnEqualShareOnceSeveralAsk) {
  RateLimit<12> limit;
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(limit.admits(0, kOne)) << "alone it may have all";
  EXPECT_FALSE(limit.admits(1 * kMs, kOther));
  EXPECT_FALSE(limit.admits(1 * kMs, kThird));
  for (int second = 1; second <= 5; ++second) {
    const auto at = second * 1'100 * kMs;
    for (int i = 0; i < 50; ++i) EXPECT_EQ(limit.admits(at + i, kOne), i < 4) << second << ' ' << i;
    for (int i = 0; i < 50; ++i)
      EXPECT_EQ(limit.admits(at + i, kThird), i < 4) << second << ' ' << i;
    EXPECT_TRUE(limit.admits(at + 60, kOther)) << second;
  }
}

TEST(RateLimit, LetsEveryoneHaveOneWhereMoreAskThanPass) {
  RateLimit<2> limit;
  for (std::uint64_t number = 1; number <= 10; ++number)
    limit.admits(0, {.descriptor = 5, .number = number});
  EXPECT_TRUE(limit.admits(1'001 * kMs, kOne));
  EXPECT_FALSE(limit.admits(1'001 * kMs, kOne));
  EXPECT_TRUE(limit.admits(1'001 * kMs, kOther));
}

TEST(RateLimit, IsOneCallersAgainWhenTheOthersHaveBeenContent) {
  RateLimit<4> limit;
  for (int i = 0; i < 4; ++i) limit.admits(0, kOne);
  EXPECT_FALSE(limit.admits(1 * kMs, kOther));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(limit.admits(20'000 * kMs, kOne)) << i;
}

}  // namespace
}  // namespace bpx::bridge
