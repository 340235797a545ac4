#include "tests/exchange/symbol_market.hpp"

#include "tests/exchange/market_frames.hpp"

#include <algorithm>
#include <utility>

namespace bpx::exchange {

namespace {

constexpr std::int64_t kMinute = 60 * kSecond;

// How long before now each stream's gateway speaks, and the engine acted, in microseconds. The
// engine comes first, then the trade, the book's top and its depth, as in captured frames.
constexpr std::int64_t kEngineLead = 1'053;
constexpr std::int64_t kTradeLead = 14;
constexpr std::int64_t kBookTickerLead = 9;
constexpr std::int64_t kDepthLead = 2;

constexpr std::int64_t kTypicalFundingRate = 125;  // 0.0000125

Stamp stamp(std::int64_t now_us, std::int64_t event_lead) {
  return {std::max<std::int64_t>(0, now_us - event_lead),
          std::max<std::int64_t>(0, now_us - kEngineLead)};
}

}  // namespace

SymbolMarket::StreamNames::StreamNames(const std::string& symbol)
    : book_ticker("bookTicker." + symbol),
      depth("depth." + symbol),
      trade("trade." + symbol),
      ticker("ticker." + symbol),
      mark_price("markPrice." + symbol),
      open_interest("openInterest." + symbol) {}

SymbolMarket::SymbolMarket(Instrument instrument, std::int64_t start_us, std::size_t levels,
                           Random& random, OrderIds& order_ids)
    : instrument_(std::move(instrument)),
      streams_(instrument_.symbol),
      flow_(instrument_, random, order_ids, levels),
      klines_(instrument_, stamp(start_us, 0).engine_us),
      each_second_(kSecond, start_us),
      each_minute_(kMinute, start_us),
      last_price_(instrument_.anchor),
      open_interest_(1'000 * instrument_.typical_quantity) {
  for (const DepthInterval& interval : kDepthIntervals) {
    aggregators_.emplace_back(interval, instrument_.symbol, book().update_id(), start_us);
  }
}

const EngineEvent& SymbolMarket::step(std::int64_t now_us, Random& random, OrderIds& order_ids,
                                      std::vector<Frame>& out) {
  flow_.step(random, order_ids, event_);
  if (!event_.trades.empty()) publish_trades(now_us, random, out);
  publish_book(now_us, random, out);
  for (DepthAggregator& aggregator : aggregators_) aggregator.note(event_.changes);
  return event_;
}

void SymbolMarket::publish_trades(std::int64_t now_us, Random& random, std::vector<Frame>& out) {
  const Stamp at = stamp(now_us, kTradeLead);
  klines_.close_until(at.engine_us, now_us, out);
  for (const Trade& trade : event_.trades) {
    out.push_back({streams_.trade, trade_text(instrument_, at, trade)});
    klines_.add(trade);
    last_price_ = trade.price;
    if (!instrument_.is_perp) continue;
    move_open_interest(trade.quantity, random);
    if (random.one_in(200)) {
      out.push_back({"liquidation", liquidation_text(instrument_, at, trade)});
    }
  }
}

void SymbolMarket::publish_book(std::int64_t now_us, Random& random, std::vector<Frame>& out) {
  Frame depth{streams_.depth, depth_text(instrument_, stamp(now_us, kDepthLead),
                                         event_.first_update, event_.last_update, event_.changes)};
  if (!event_.top_changed) return out.push_back(std::move(depth));
  Frame top{streams_.book_ticker,
            book_ticker_text(instrument_, stamp(now_us, kBookTickerLead), book())};
  // The two leave by different gateways: now and then the later one overtakes.
  if (random.one_in(8)) std::swap(top, depth);
  out.push_back(std::move(top));
  out.push_back(std::move(depth));
}

void SymbolMarket::turn(std::int64_t now_us, Random& random, std::vector<Frame>& out) {
  const Stamp at = stamp(now_us, 0);
  for (DepthAggregator& aggregator : aggregators_) {
    aggregator.publish_if_due(instrument_, book(), at, out);
  }
  if (each_second_.due(now_us)) publish_each_second(now_us, random, out);
  if (each_minute_.due(now_us) && instrument_.is_perp) {
    out.push_back(
        {streams_.open_interest, open_interest_text(instrument_, at.event_us, open_interest_)});
  }
}

void SymbolMarket::publish_each_second(std::int64_t now_us, Random& random,
                                       std::vector<Frame>& out) {
  const Stamp at = stamp(now_us, 0);
  klines_.close_until(at.engine_us, at.event_us, out);
  klines_.publish_changed(at.event_us, out);
  out.push_back(
      {streams_.ticker, ticker_text(instrument_, at.event_us, klines_.day(), last_price_)});
  if (!instrument_.is_perp) return;
  const std::int64_t tick = power_of_ten(kAmountDecimals - instrument_.price_decimals);
  const std::int64_t index_offset = random.below(2 * tick) - tick;
  const std::int64_t funding_rate = kTypicalFundingRate + random.below(21) - 10;
  out.push_back(
      {streams_.mark_price, mark_price_text(instrument_, at, book(), index_offset, funding_rate)});
}

void SymbolMarket::move_open_interest(Quantity traded, Random& random) {
  // A trade opens positions, closes some, or hands them on.
  const std::int64_t direction = random.below(3) - 1;
  open_interest_ = std::max<Quantity>(0, open_interest_ + direction * traded);
}

}  // namespace bpx::exchange
