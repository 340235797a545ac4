#include "tests/exchange/position.hpp"

#include <algorithm>
#include <cstdlib>

namespace bpx::exchange {

std::int64_t Position::fill(Side side, Price price, Quantity quantity) {
  const Quantity direction = side == Side::bid ? 1 : -1;
  const bool reduces = quantity_ * direction < 0;
  const Quantity closing = reduces ? std::min(quantity, std::abs(quantity_)) : 0;

  std::int64_t profit = 0;
  if (closing > 0) {
    const std::int64_t closed_cost = cost_ * closing / std::abs(quantity_);
    profit = -direction * price * closing - closed_cost;
    quantity_ += direction * closing;
    cost_ -= closed_cost;
    realized_ += profit;
  }
  const Quantity opening = quantity - closing;
  quantity_ += direction * opening;
  cost_ += direction * price * opening;
  return profit;
}

}  // namespace bpx::exchange
