#include "bridge/cli/running_clock.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge::cli {
namespace {

using namespace std::chrono_literals;

TEST(RunningClock, GoesOnWhileItIsReadAndStandsStillWhileItIsNot) {
  const RunningClock::Clock::time_point start{10s};
  RunningClock clock(start);
  EXPECT_EQ(clock.read(start), start);
  EXPECT_EQ(clock.read(start + 200ms), start + 200ms);
  EXPECT_EQ(clock.read(start + 400ms), start + 400ms);
  const auto shown = start + 400ms + RunningClock::kLongestTurn;
  EXPECT_EQ(clock.read(start + 1h), shown);
  EXPECT_EQ(clock.read(start + 1h + 10ms), shown + 10ms);
}

}  // namespace
}  // namespace bpx::bridge::cli
