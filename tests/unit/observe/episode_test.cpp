#include "bridge/observe/episode.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kMs = 1'000'000;

TEST(Episode, BeginsWithTheFirstTimeEvenRightAfterTheMachineHasStarted) {
  Episode episode(1s);
  EXPECT_TRUE(episode.begins(5 * kMs));
}

TEST(Episode, GoesOnWhileItHappensAgainInTime) {
  Episode episode(1s);
  EXPECT_TRUE(episode.begins(0));
  for (int i = 1; i <= 10; ++i) EXPECT_FALSE(episode.begins(i * 900 * kMs)) << i;
}

TEST(Episode, BeginsAnewAfterQuiet) {
  Episode episode(1s);
  EXPECT_TRUE(episode.begins(0));
  EXPECT_FALSE(episode.begins(999 * kMs));
  EXPECT_TRUE(episode.begins(1'999 * kMs));
}

}  // namespace
}  // namespace bpx::bridge
