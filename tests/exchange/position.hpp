#pragma once

#include "tests/exchange/order_book.hpp"

#include <cstdint>

namespace bpx::exchange {

/// A holding in a perpetual. Values are in ticks times lots.
class Position {
 public:
  /// Adds a fill; returns the profit of the part that it closed.
  std::int64_t fill(Side side, Price price, Quantity quantity);

  bool is_open() const { return quantity_ != 0; }
  /// Positive: long; negative: short.
  Quantity quantity() const { return quantity_; }
  /// What the open part was bought for; negative for a short position.
  std::int64_t cost() const { return cost_; }
  /// The profit of all that was ever closed.
  std::int64_t realized() const { return realized_; }

 private:
  Quantity quantity_ = 0;
  std::int64_t cost_ = 0;
  std::int64_t realized_ = 0;
};

}  // namespace bpx::exchange
