#pragma once

#include "tests/exchange/exchange_clock.hpp"
#include "tests/exchange/market.hpp"
#include "tests/exchange/source.hpp"

#include <vector>

namespace bpx::exchange {

/// Runs a market. At a steady rate its events happen at times that follow from the schedule alone,
/// not from when the loop comes to them: the same seed, start and rate give the same frames. Where
/// the machine does not keep the rate, a live market goes on from where it stands, a scripted one
/// makes up for what it missed.
class MarketSource final : public Source {
 public:
  enum class Time {
    live,     ///< The market's time is the exchange's.
    scripted  ///< It begins at the market's start, and passes while there is a rate.
  };

  /// The market opened at `start_us` by its own time. `market` and `clock` outlive this.
  MarketSource(Market& market, const ExchangeClock& clock, Time time, std::int64_t start_us,
               bool stream_first);

  void set_rate(double per_second, std::int64_t now_us) override;
  const Pacer& pacer() const override { return events_; }
  std::int64_t due_us(std::int64_t now_us) const override;
  void play(std::int64_t now_us, std::size_t limit, std::vector<SharedMessage>& out) override;

 private:
  /// Moves on and returns the market's time. Where a fault sets the clock back, the market's stands
  /// still until it has caught up.
  std::int64_t market_us(std::int64_t true_us);

  Market& market_;
  const ExchangeClock& clock_;
  const Time time_;
  const bool stream_first_;
  std::int64_t ahead_us_ = 0;  // the market's time, less the true one
  std::int64_t market_us_;
  Pacer events_;
  Pacer ticks_;
  std::vector<Frame> frames_;
};

}  // namespace bpx::exchange
