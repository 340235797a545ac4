#include "bridge/observe/minute_count.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(MinuteCount, GoesOnForAMinuteFromTheFirstTimeOn) {
  MinuteCount count;
  EXPECT_EQ(count.add(5), 1U);
  EXPECT_EQ(count.add(30 * kSecond), 2U);
  EXPECT_EQ(count.add(60 * kSecond + 4), 3U);
}

TEST(MinuteCount, BeginsAnewWithTheNextMinute) {
  MinuteCount count;
  EXPECT_EQ(count.add(0), 1U);
  EXPECT_EQ(count.add(59 * kSecond), 2U);
  EXPECT_EQ(count.add(60 * kSecond), 1U);
  EXPECT_EQ(count.add(119 * kSecond), 2U);
  EXPECT_EQ(count.add(120 * kSecond), 1U);
}

}  // namespace
}  // namespace bpx::bridge
