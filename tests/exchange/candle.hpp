#pragma once

#include "tests/exchange/order_book.hpp"

#include <algorithm>
#include <cstdint>

namespace bpx::exchange {

/// What the trades of one period add up to. The prices mean nothing while `trades` is 0.
struct Candle {
  Price open = 0;
  Price high = 0;
  Price low = 0;
  Price close = 0;
  Quantity volume = 0;
  std::int64_t quote_volume = 0;  ///< ticks times lots
  std::int64_t trades = 0;

  void add(Price price, Quantity quantity) {
    if (trades == 0) open = high = low = price;
    high = std::max(high, price);
    low = std::min(low, price);
    close = price;
    volume += quantity;
    quote_volume += price * quantity;
    ++trades;
  }
};

}  // namespace bpx::exchange
