#pragma once

#include "tests/exchange/candle.hpp"
#include "tests/exchange/engine_event.hpp"
#include "tests/exchange/instrument.hpp"
#include "tests/exchange/kline_interval.hpp"
#include "tests/exchange/order_book.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// The `data` texts of the public streams. Captured frames decide the fields, their order and the
/// form of their values; where none was captured, the exchange's documentation does.
namespace bpx::exchange {

std::string book_ticker_text(const Instrument& instrument, Stamp stamp, const OrderBook& book);

/// Update ids from `first` to `last`, both included.
std::string depth_text(const Instrument& instrument, Stamp stamp, UpdateId first, UpdateId last,
                       std::span<const LevelChange> changes);

std::string trade_text(const Instrument& instrument, Stamp stamp, const Trade& trade);

/// The trade by which a position was liquidated: `S` is the side of the liquidated trader's order.
std::string liquidation_text(const Instrument& instrument, Stamp stamp, const Trade& trade);

/// `T`, the close time, is the start of the next period. [D, by the REST klines]
std::string kline_text(const Instrument& instrument, std::int64_t event_us, const Period& period,
                       const Candle& candle, bool closed);

/// The exchange looks back over 24 hours; here the ticker begins anew at midnight UTC, and so
/// agrees with the kline of the day. `last_price` stands in for the prices of a day without trades.
std::string ticker_text(const Instrument& instrument, std::int64_t event_us, const Candle& day,
                        Price last_price);

/// The mark is the exact middle of the book; `index_offset`, in units of 10^-8, is how far the
/// index is from it; `funding_rate` in units of 10^-7. Funding is due at the next full hour.
std::string mark_price_text(const Instrument& instrument, Stamp stamp, const OrderBook& book,
                            std::int64_t index_offset, std::int64_t funding_rate);

std::string open_interest_text(const Instrument& instrument, std::int64_t event_us,
                               Quantity open_interest);

/// The exact middle of the book.
Decimal mark_price(const Instrument& instrument, const OrderBook& book);

/// How the exchange names a side.
std::string_view side_name(Side side);

}  // namespace bpx::exchange
