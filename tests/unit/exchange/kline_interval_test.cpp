#include "tests/exchange/kline_interval.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace bpx::exchange {
namespace {

constexpr std::int64_t kWednesday = 1'788'367'430'323'775;  // 2026-09-02T16:43:50.323775

std::string period_text(std::string_view name, std::int64_t time_us) {
  const auto interval =
      std::find_if(kKlineIntervals.begin(), kKlineIntervals.end(),
                   [name](const KlineInterval& each) { return each.name == name; });
  const Period period = period_at(*interval, time_us);
  return iso_time(period.start_us) + " " + iso_time(period.end_us);
}

TEST(KlineInterval, DividesTheDay) {
  EXPECT_EQ(period_text("1s", kWednesday), "2026-09-02T16:43:50 2026-09-02T16:43:51");
  EXPECT_EQ(period_text("1m", kWednesday), "2026-09-02T16:43:00 2026-09-02T16:44:00");
  EXPECT_EQ(period_text("4h", kWednesday), "2026-09-02T16:00:00 2026-09-02T20:00:00");
  EXPECT_EQ(period_text("1d", kWednesday), "2026-09-02T00:00:00 2026-09-03T00:00:00");
}

TEST(KlineInterval, BeginsWeeksOnMonday) {
  EXPECT_EQ(period_text("1w", kWednesday), "2026-08-31T00:00:00 2026-09-07T00:00:00");
  EXPECT_EQ(period_text("1w", 0), "1969-12-29T00:00:00 1970-01-05T00:00:00");
}

TEST(KlineInterval, FollowsTheCalendarForMonths) {
  EXPECT_EQ(period_text("1month", kWednesday), "2026-09-01T00:00:00 2026-10-01T00:00:00");
  EXPECT_EQ(period_text("1month", 0), "1970-01-01T00:00:00 1970-02-01T00:00:00");
}

TEST(KlineInterval, GivesABoundaryToThePeriodThatItOpens) {
  const std::int64_t minute = 1'788'367'380'000'000;
  EXPECT_EQ(period_text("1m", minute), "2026-09-02T16:43:00 2026-09-02T16:44:00");
  EXPECT_EQ(period_text("1m", minute - 1), "2026-09-02T16:42:00 2026-09-02T16:43:00");
}

}  // namespace
}  // namespace bpx::exchange
