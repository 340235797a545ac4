#pragma once

#include "tests/exchange/candle.hpp"
#include "tests/exchange/engine_event.hpp"
#include "tests/exchange/frame.hpp"
#include "tests/exchange/instrument.hpp"
#include "tests/exchange/kline_interval.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace bpx::exchange {

/// The open candle of each interval of one instrument, and the kline streams they cause. A candle
/// is published while trades change it, at most as often as the caller asks, and once more, with
/// `X` true, when it closes; periods that nobody looked at before they were over stay unsaid.
class Klines {
 public:
  /// `instrument` must outlive the klines.
  Klines(const Instrument& instrument, std::int64_t engine_us);

  /// Closes the candles whose period ended by `engine_us` and opens those of the current period.
  /// To be called before a trade of that time is added.
  void close_until(std::int64_t engine_us, std::int64_t event_us, std::vector<Frame>& out);

  void add(const Trade& trade);

  /// Publishes the open candles that changed since they were published last.
  void publish_changed(std::int64_t event_us, std::vector<Frame>& out);

  /// What was traded since midnight UTC.
  const Candle& day() const { return series_[kOneDay].candle; }

 private:
  struct Series {
    std::string stream;
    Period period;
    Candle candle;
    bool changed = false;
  };

  const Instrument& instrument_;
  std::array<Series, kKlineIntervals.size()> series_;
};

}  // namespace bpx::exchange
