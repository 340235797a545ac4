#include "bridge/upstream/pace.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

constexpr Pace::TimePoint kBegin{1h};

TEST(Pace, LetsSoManyGoAtOnceAsMayGoInASecond) {
  Pace pace(3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_LE(pace.next(), kBegin);
    pace.sent(kBegin);
  }
  EXPECT_GT(pace.next(), kBegin + 1s);
  EXPECT_LT(pace.next(), kBegin + 1300ms);
}

TEST(Pace, IsNeverExceededInAnySecondHoweverOftenSomethingIsToBeAsked) {
  Pace pace(5);
  std::deque<Pace::TimePoint> sent;
  for (auto now = kBegin; now < kBegin + 60s; now += 17ms) {
    if (now < pace.next()) continue;
    pace.sent(now);
    sent.push_back(now);
  }
  for (std::size_t i = 5; i < sent.size(); ++i) EXPECT_GT(sent[i] - sent[i - 5], 1s) << i;
  EXPECT_GE(sent.size(), 240U) << "it wastes time";
}

}  // namespace
}  // namespace bpx::bridge
