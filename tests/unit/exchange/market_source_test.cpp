#include "tests/exchange/market_source.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <string>
#include <vector>

namespace bpx::exchange {
namespace {

using Time = MarketSource::Time;
using Texts = std::vector<std::string>;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kOpen = 1'700'000'000 * kSecond;
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

/// What one market says between `from_us` and `to_us`, played in steps of `step_us`.
Texts run(Time time, double rate, std::int64_t from_us, std::int64_t to_us, std::int64_t step_us,
          const ExchangeClock& clock = {}) {
  Market market({.seed = 5, .symbols = {"SOL_USDC"}, .start_us = kOpen});
  MarketSource source(market, clock, time, kOpen, false);
  source.set_rate(rate, from_us);
  std::vector<SharedMessage> messages;
  for (std::int64_t now_us = from_us; now_us < to_us; now_us += step_us) {
    source.play(now_us, kNoLimit, messages);
  }
  source.play(to_us, kNoLimit, messages);
  Texts texts;
  for (const auto& message : messages) texts.push_back(message->text);
  return texts;
}

std::vector<std::int64_t> event_times(const Texts& texts) {
  std::vector<std::int64_t> times;
  for (const auto& text : texts) {
    const auto data = nlohmann::json::parse(text)["data"];
    if (data["e"] == "bookTicker") times.push_back(data["T"].get<std::int64_t>());
  }
  return times;
}

TEST(MarketSource, SaysTheSameHoweverOftenTheLoopComesToIt) {
  const auto often = run(Time::live, 100, kOpen, kOpen + 5 * kSecond, 1'000);
  EXPECT_GT(often.size(), 500U);
  EXPECT_EQ(run(Time::live, 100, kOpen, kOpen + 5 * kSecond, 333'333), often);
}

TEST(MarketSource, SaysTheSameWheneverItsScriptedTimeIsPlayed) {
  const auto then = run(Time::scripted, 50, kOpen, kOpen + 3 * kSecond, 10'000);
  const std::int64_t later = kOpen + 1'000'000 * kSecond + 12'345;
  EXPECT_EQ(run(Time::scripted, 50, later, later + 3 * kSecond, 10'000), then);
}

TEST(MarketSource, SaysTheSameInScriptedTimeThoughTheMachineStoodStill) {
  const auto in_time = run(Time::scripted, 50, kOpen, kOpen + 6 * kSecond, 10'000);
  EXPECT_EQ(run(Time::scripted, 50, kOpen, kOpen + 6 * kSecond, 3 * kSecond), in_time);
}

TEST(MarketSource, SaysWhatTimeAloneCausesBetweenRareEvents) {
  const auto texts = run(Time::live, 0.01, kOpen, kOpen + 3 * kSecond, 10'000);
  EXPECT_FALSE(texts.empty());
}

TEST(MarketSource, StandsStillWithoutARate) {
  EXPECT_TRUE(run(Time::live, 0, kOpen, kOpen + 3 * kSecond, 10'000).empty());
}

TEST(MarketSource, TellsTheTimeOfAShiftedClock) {
  ExchangeClock clock;
  clock.shift(std::chrono::minutes(10));
  const auto times = event_times(run(Time::live, 10, kOpen, kOpen + kSecond, 1'000, clock));
  ASSERT_FALSE(times.empty());
  EXPECT_GT(times.front(), kOpen + 599 * kSecond);
  EXPECT_LT(times.front(), kOpen + 602 * kSecond);
}

TEST(MarketSource, NeverRunsBackwards) {
  ExchangeClock clock;
  clock.shift(std::chrono::minutes(-10));
  for (const auto time : event_times(run(Time::live, 10, kOpen, kOpen + kSecond, 1'000, clock))) {
    EXPECT_GE(time, kOpen - kSecond);
  }
}

}  // namespace
}  // namespace bpx::exchange
