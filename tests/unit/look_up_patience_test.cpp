#include "bridge/look_up_patience.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

TEST(LookUpPatienceTest, DoublesWithEachThatIsLostUpToTenMinutes) {
  auto now = LookUpPatience::Clock::time_point{};
  LookUpPatience patience;
  patience.begin(now);
  for (const auto wait : {1min, 2min, 4min, 8min, 10min, 10min}) {
    EXPECT_FALSE(patience.is_over(now + wait - 1ms));
    now += wait;
    EXPECT_TRUE(patience.is_over(now));
    patience.begin_another(now);
  }
  patience.begin(now);
  EXPECT_TRUE(patience.is_over(now + 1min)) << "the one before has ended";
}

}  // namespace
}  // namespace bpx::bridge
