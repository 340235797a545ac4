#include "tests/exchange/stream_catalogue.hpp"

#include "tests/exchange/depth_aggregator.hpp"
#include "tests/exchange/kline_interval.hpp"

namespace bpx::exchange {

StreamCatalogue::StreamCatalogue()
    : names_{"liquidation", "account.orderUpdate", "account.positionUpdate", "account.rfqUpdate",
             "account.balanceUpdate"} {}

void StreamCatalogue::list(const Instrument& instrument) {
  const auto add = [&](std::string_view type) {
    std::string name(type);
    names_.insert(name.append(".").append(instrument.symbol));
  };
  for (const char* type : {"bookTicker", "depth", "trade", "ticker", "account.orderUpdate",
                           "account.positionUpdate", "account.rfqUpdate"}) {
    add(type);
  }
  for (const DepthInterval& interval : kDepthIntervals) {
    add(std::string("depth.").append(interval.name));
  }
  for (const KlineInterval& interval : kKlineIntervals) {
    add(std::string("kline.").append(interval.name));
  }
  if (instrument.base.ends_with(".US")) add("stockPrice");  // as in AAPL.US
  if (!instrument.is_perp) return;
  add("markPrice");
  add("openInterest");
}

}  // namespace bpx::exchange
