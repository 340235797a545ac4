#pragma once

#include "tests/exchange/decimal.hpp"
#include "tests/exchange/order_book.hpp"
#include "tests/exchange/random.hpp"

#include <cstddef>
#include <string>

namespace bpx::exchange {

/// An amount of an asset, in units of 10^-8.
using Amount = std::int64_t;
inline constexpr int kAmountDecimals = 8;

/// What is traded under one symbol, and how its numbers are written. Price and quantity decimals
/// together are at most kAmountDecimals.
struct Instrument {
  std::size_t index = 0;  ///< among the symbols of the exchange
  std::string symbol;
  std::string base;
  std::string quote;
  bool is_perp = false;
  int price_decimals = 2;
  int quantity_decimals = 2;
  /// Where trading opens, and where the random walk is drawn back to.
  Price anchor = 0;
  /// The mean size of an order.
  Quantity typical_quantity = 0;

  Decimal price(Price ticks) const { return {ticks, price_decimals}; }
  Decimal quantity(Quantity lots) const { return {lots, quantity_decimals}; }
  /// A value in the quote asset, given as ticks times lots.
  Decimal value(std::int64_t ticks_lots) const {
    return {ticks_lots, price_decimals + quantity_decimals};
  }
  Amount base_amount(Quantity lots) const;
  Amount quote_amount(std::int64_t ticks_lots) const;
};

/// Reads `<base>_<quote>` or `<base>_<quote>_PERP`. Well-known assets open near a plausible price,
/// others at one that is drawn.
Instrument make_instrument(std::size_t index, std::string symbol, Random& random);

}  // namespace bpx::exchange
