#include "bridge/upstream/clock_reading.hpp"

#include "bridge/upstream/exchange_time.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(ExchangeTime, IsUnixMillisecondsAsPlainText) {
  EXPECT_EQ(parse_exchange_time("1736186248745"), 1'736'186'248'745'500'000)
      << "the middle of the millisecond is the best guess";
}

TEST(ExchangeTime, IsNothingElse) {
  for (const auto* text : {"", "0", "-1", "1736186248745 ", "{\"time\":1}", "99999999999999999",
                           "99999999999999999999999"})
    EXPECT_EQ(parse_exchange_time(text), std::nullopt) << text;
}

TEST(ClockReading, TakesTheMiddleOfTheRoundTrip) {
  const ClockReading ahead{.asked_ns = 1'000, .answered_ns = 1'200, .exchange_ns = 1'400};
  EXPECT_EQ(ahead.round_trip_ns(), 200);
  EXPECT_EQ(ahead.offset_ns(), 300);
  const ClockReading behind{.asked_ns = 1'000, .answered_ns = 1'200, .exchange_ns = 900};
  EXPECT_EQ(behind.offset_ns(), -200);
}

TEST(ExchangeTime, IsThatOfTheLastReadingThoughTheWallClockWasSet) {
  const ClockReading reading{
      .asked_ns = 1'000, .answered_ns = 1'200, .exchange_ns = 1'400, .asked_boot_ns = 50};
  const auto ahead = reading.ahead_of_boot_ns();
  for (const std::int64_t wall : {1'500, 900'000, 3})
    EXPECT_EQ(exchange_time_ns(ahead, {.unix_ns = wall, .boot_ns = 550}), 1'300 + 500) << wall;
}

TEST(ExchangeTime, IsOursUntilThereIsAReading) {
  EXPECT_EQ(exchange_time_ns(0, {.unix_ns = 1'500, .boot_ns = 550}), 1'500);
}

TEST(BootClock, GoesForward) {
  const auto before = boot_ns();
  EXPECT_GT(before, 0);
  EXPECT_GE(boot_ns(), before);
}

}  // namespace
}  // namespace bpx::bridge
