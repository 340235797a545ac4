#include "tests/exchange/market_frames.hpp"

#include "tests/exchange/cadence.hpp"
#include "tests/exchange/json_object.hpp"

namespace bpx::exchange {

namespace {

constexpr std::int64_t kFundingInterval = 3'600 * kSecond;
constexpr int kIndexDecimals = 8;
constexpr int kFundingDecimals = 7;

void add_changes(JsonObject& data, std::string_view key, const Instrument& instrument,
                 std::span<const LevelChange> changes, Side side) {
  data.begin_pairs(key);
  for (const LevelChange& change : changes) {
    if (change.side != side) continue;
    data.pair(instrument.price(change.price), instrument.quantity(change.quantity));
  }
  data.end_pairs();
}

void add_price_or_null(JsonObject& data, std::string_view key, const Instrument& instrument,
                       const Candle& candle, Price price) {
  if (candle.trades == 0) {
    data.null(key);
  } else {
    data.decimal(key, instrument.price(price));
  }
}

/// A period without trades says "0", whatever the instrument's decimals.
Decimal volume(const Instrument& instrument, const Candle& candle) {
  return candle.trades == 0 ? Decimal{} : instrument.quantity(candle.volume);
}

}  // namespace

std::string_view side_name(Side side) { return side == Side::bid ? "Bid" : "Ask"; }

Decimal mark_price(const Instrument& instrument, const OrderBook& book) {
  return {book.twice_middle() * 5, instrument.price_decimals + 1};
}

std::string book_ticker_text(const Instrument& instrument, Stamp stamp, const OrderBook& book) {
  const Level& bid = book.best(Side::bid);
  const Level& ask = book.best(Side::ask);
  return JsonObject()
      .decimal("A", instrument.quantity(ask.quantity))
      .decimal("B", instrument.quantity(bid.quantity))
      .integer("E", stamp.event_us)
      .integer("T", stamp.engine_us)
      .decimal("a", instrument.price(ask.price))
      .decimal("b", instrument.price(bid.price))
      .text("e", "bookTicker")
      .text("s", instrument.symbol)
      .integer("u", book.update_id())
      .finish();
}

std::string depth_text(const Instrument& instrument, Stamp stamp, UpdateId first, UpdateId last,
                       std::span<const LevelChange> changes) {
  JsonObject data;
  data.integer("E", stamp.event_us).integer("T", stamp.engine_us).integer("U", first);
  add_changes(data, "a", instrument, changes, Side::ask);
  add_changes(data, "b", instrument, changes, Side::bid);
  return data.text("e", "depth").text("s", instrument.symbol).integer("u", last).finish();
}

std::string trade_text(const Instrument& instrument, Stamp stamp, const Trade& trade) {
  return JsonObject()
      .integer("E", stamp.event_us)
      .integer("T", stamp.engine_us)
      .decimal("a", {trade.ask_order(), 0})
      .decimal("b", {trade.bid_order(), 0})
      .text("e", "trade")
      .boolean("m", trade.taker_side == Side::ask)  // whether the buyer was the maker
      .decimal("p", instrument.price(trade.price))
      .decimal("q", instrument.quantity(trade.quantity))
      .text("s", instrument.symbol)
      .integer("t", trade.id)
      .finish();
}

std::string liquidation_text(const Instrument& instrument, Stamp stamp, const Trade& trade) {
  return JsonObject()
      .integer("E", stamp.event_us)
      .text("S", side_name(trade.taker_side))
      .integer("T", stamp.engine_us)
      .text("e", "liquidation")
      .decimal("p", instrument.price(trade.price))
      .decimal("q", instrument.quantity(trade.quantity))
      .text("s", instrument.symbol)
      .finish();
}

std::string kline_text(const Instrument& instrument, std::int64_t event_us, const Period& period,
                       const Candle& candle, bool closed) {
  JsonObject data;
  data.integer("E", event_us).text("T", iso_time(period.end_us)).boolean("X", closed);
  add_price_or_null(data, "c", instrument, candle, candle.close);
  data.text("e", "kline");
  add_price_or_null(data, "h", instrument, candle, candle.high);
  add_price_or_null(data, "l", instrument, candle, candle.low);
  data.integer("n", candle.trades);
  add_price_or_null(data, "o", instrument, candle, candle.open);
  data.text("s", instrument.symbol).text("t", iso_time(period.start_us));
  data.decimal("v", volume(instrument, candle));
  return data.finish();
}

std::string ticker_text(const Instrument& instrument, std::int64_t event_us, const Candle& day,
                        Price last_price) {
  const auto price = [&](Price of_day) {
    return instrument.price(day.trades == 0 ? last_price : of_day);
  };
  return JsonObject()
      .integer("E", event_us)
      .decimal("V", day.trades == 0 ? Decimal{} : instrument.value(day.quote_volume))
      .decimal("c", price(day.close))
      .text("e", "ticker")
      .decimal("h", price(day.high))
      .decimal("l", price(day.low))
      .integer("n", day.trades)
      .decimal("o", price(day.open))
      .text("s", instrument.symbol)
      .decimal("v", volume(instrument, day))
      .finish();
}

std::string mark_price_text(const Instrument& instrument, Stamp stamp, const OrderBook& book,
                            std::int64_t index_offset, std::int64_t funding_rate) {
  const Decimal mark = mark_price(instrument, book);
  const std::int64_t index = mark.units * power_of_ten(kIndexDecimals - mark.decimals);
  const std::int64_t next_funding =
      (stamp.event_us / kFundingInterval + 1) * kFundingInterval / kMillisecond;
  return JsonObject()
      .integer("E", stamp.event_us)
      .integer("T", stamp.engine_us)
      .text("e", "markPrice")
      .decimal("f", trimmed({funding_rate, kFundingDecimals}))
      .decimal("i", {index + index_offset, kIndexDecimals})
      .integer("n", next_funding)
      .decimal("p", trimmed(mark))
      .text("s", instrument.symbol)
      .finish();
}

std::string open_interest_text(const Instrument& instrument, std::int64_t event_us,
                               Quantity open_interest) {
  return JsonObject()
      .integer("E", event_us)
      .text("e", "openInterest")
      .decimal("o", trimmed(instrument.quantity(open_interest)))
      .text("s", instrument.symbol)
      .finish();
}

}  // namespace bpx::exchange
