#include "tests/exchange/market_source.hpp"

#include <algorithm>

namespace bpx::exchange {
namespace {

/// Divides every interval at which time alone causes frames: 200, 600 and 1000 ms.
constexpr double kTicksPerSecond = 10;

}  // namespace

MarketSource::MarketSource(Market& market, const ExchangeClock& clock, Time time,
                           std::int64_t start_us, bool stream_first)
    : market_(market),
      clock_(clock),
      time_(time),
      stream_first_(stream_first),
      market_us_(start_us) {}

void MarketSource::set_rate(double per_second, std::int64_t now_us) {
  if (time_ == Time::scripted) ahead_us_ = market_us_ - clock_.shift_us() - now_us;
  events_.start(per_second, now_us);
  ticks_.start(per_second > 0 ? kTicksPerSecond : 0, now_us);
}

std::int64_t MarketSource::due_us(std::int64_t now_us) const {
  return std::min(events_.due_us(now_us), ticks_.due_us(now_us));
}

void MarketSource::play(std::int64_t now_us, std::size_t limit, std::vector<SharedMessage>& out) {
  if (time_ == Time::live) {
    events_.forgive(now_us);
    ticks_.forgive(now_us);
  }
  for (; limit > 0; --limit) {
    const std::int64_t event_us = events_.due_us(now_us);
    const std::int64_t tick_us = ticks_.due_us(now_us);
    if (std::min(event_us, tick_us) > now_us) return;
    frames_.clear();
    if (tick_us <= event_us) {
      market_.tick(market_us(tick_us), frames_);
      ticks_.advance();
    } else {
      market_.trade_or_quote(market_us(event_us), frames_);
      events_.advance();
    }
    for (const Frame& frame : frames_) out.push_back(envelope(frame, stream_first_));
  }
}

std::int64_t MarketSource::market_us(std::int64_t true_us) {
  market_us_ = std::max(market_us_, true_us + ahead_us_ + clock_.shift_us());
  return market_us_;
}

}  // namespace bpx::exchange
