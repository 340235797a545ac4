#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::exchange {

struct KlineInterval {
  std::string_view name;
  std::int64_t seconds;             ///< 0: a calendar month
  std::int64_t origin_seconds = 0;  ///< a moment at which such an interval begins
};

/// All that a kline stream may name; each is a whole number of the first.
inline constexpr std::array kKlineIntervals = {
    KlineInterval{"1s", 1},
    KlineInterval{"1m", 60},
    KlineInterval{"3m", 180},
    KlineInterval{"5m", 300},
    KlineInterval{"15m", 900},
    KlineInterval{"30m", 1'800},
    KlineInterval{"1h", 3'600},
    KlineInterval{"2h", 7'200},
    KlineInterval{"4h", 14'400},
    KlineInterval{"6h", 21'600},
    KlineInterval{"8h", 28'800},
    KlineInterval{"12h", 43'200},
    KlineInterval{"1d", 86'400},
    KlineInterval{"3d", 259'200},
    KlineInterval{"1w", 604'800, 345'600},  // weeks begin on Monday: 5 January 1970
    KlineInterval{"1month", 0},
};
inline constexpr std::size_t kOneSecond = 0;
inline constexpr std::size_t kOneDay = 12;
static_assert(kKlineIntervals[kOneSecond].name == "1s" && kKlineIntervals[kOneDay].name == "1d");

/// From `start_us` on, up to but without `end_us`. Unix microseconds.
struct Period {
  std::int64_t start_us = 0;
  std::int64_t end_us = 0;
};

/// The interval's period that holds `time_us`.
Period period_at(const KlineInterval& interval, std::int64_t time_us);

/// As the exchange writes the times of a kline: `2026-09-02T16:43:00`, in UTC.
std::string iso_time(std::int64_t time_us);

}  // namespace bpx::exchange
