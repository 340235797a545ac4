#include "bridge/upstream/exchange_clock.hpp"

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

}  // namespace
}  // namespace bpx::bridge
