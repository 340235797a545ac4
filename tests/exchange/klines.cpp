#include "tests/exchange/klines.hpp"

#include "tests/exchange/market_frames.hpp"

#include <cstddef>
#include <utility>

namespace bpx::exchange {

Klines::Klines(const Instrument& instrument, std::int64_t engine_us) : instrument_(instrument) {
  for (std::size_t i = 0; i < series_.size(); ++i) {
    const KlineInterval& interval = kKlineIntervals[i];
    series_[i].stream.append("kline.").append(interval.name) += '.';
    series_[i].stream += instrument.symbol;
    series_[i].period = period_at(interval, engine_us);
  }
}

void Klines::close_until(std::int64_t engine_us, std::int64_t event_us, std::vector<Frame>& out) {
  // No interval ends within a second.
  if (engine_us < series_[kOneSecond].period.end_us) return;
  for (std::size_t i = 0; i < series_.size(); ++i) {
    Series& series = series_[i];
    if (engine_us < series.period.end_us) continue;
    out.push_back(
        {series.stream, kline_text(instrument_, event_us, series.period, series.candle, true)});
    series.period = period_at(kKlineIntervals[i], engine_us);
    series.candle = {};
    series.changed = false;
  }
}

void Klines::add(const Trade& trade) {
  for (Series& series : series_) {
    series.candle.add(trade.price, trade.quantity);
    series.changed = true;
  }
}

void Klines::publish_changed(std::int64_t event_us, std::vector<Frame>& out) {
  for (Series& series : series_) {
    if (!std::exchange(series.changed, false)) continue;
    out.push_back(
        {series.stream, kline_text(instrument_, event_us, series.period, series.candle, false)});
  }
}

}  // namespace bpx::exchange
