#include "bridge/observe/novelty.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

class NoveltyTest : public testing::Test {
 protected:
  bool is_news(std::string_view words) { return novelty_.is_news(words, ++count_, now_); }

  Novelty novelty_;
  std::uint64_t count_ = 0;
  Novelty::TimePoint now_ = Novelty::TimePoint{} + 1h;
};

TEST_F(NoveltyTest, IsTheFirstSecondFourthAndEighthOfTheSame) {
  std::string told;
  for (int i = 1; i <= 9; ++i)
    if (is_news("refused")) told += std::to_string(i);
  EXPECT_EQ(told, "1248");
}

TEST_F(NoveltyTest, IsOneAMinute) {
  for (int i = 0; i < 4; ++i) is_news("refused");
  EXPECT_FALSE(is_news("refused"));
  now_ += 1min;
  EXPECT_TRUE(is_news("refused"));
  EXPECT_FALSE(is_news("refused"));
}

TEST_F(NoveltyTest, IsAnotherText) {
  for (int i = 0; i < 4; ++i) is_news("HTTP 503");
  EXPECT_TRUE(is_news("HTTP 403"));
  EXPECT_FALSE(is_news("HTTP 503")) << "the two may come in turn";
  EXPECT_FALSE(is_news("HTTP 403"));
  novelty_.forget();
  EXPECT_TRUE(is_news("HTTP 403"));
}

TEST_F(NoveltyTest, IsNotEachOfAnEndlessVariety) {
  int told = 0;
  for (int i = 0; i < 1'000; ++i) told += is_news("ray " + std::to_string(i)) ? 1 : 0;
  EXPECT_LT(told, 40);
}

}  // namespace
}  // namespace bpx::bridge
