#include "tests/exchange/order_book.hpp"

#include <algorithm>

namespace bpx::exchange {

namespace {

/// Where `price` rests in a side's levels, or where it would.
template <class Levels>
auto place_of(Levels& levels, Side side, Price price) {
  return std::lower_bound(levels.begin(), levels.end(), price,
                          [side](const Level& level, Price wanted) {
                            return side == Side::bid ? level.price < wanted : level.price > wanted;
                          });
}

}  // namespace

void OrderBook::set(Side side, const Level& level) {
  auto& levels = side == Side::bid ? bids_ : asks_;
  const auto place = place_of(levels, side, level.price);
  const bool occupied = place != levels.end() && place->price == level.price;
  if (level.quantity == 0) {
    if (occupied) levels.erase(place);
  } else if (occupied) {
    *place = level;
  } else {
    levels.insert(place, level);
  }
  ++update_id_;
}

const std::vector<Level>& OrderBook::levels(Side side) const {
  return side == Side::bid ? bids_ : asks_;
}

const Level* OrderBook::find(Side side, Price price) const {
  const auto& all = levels(side);
  const auto place = place_of(all, side, price);
  return place != all.end() && place->price == price ? &*place : nullptr;
}

}  // namespace bpx::exchange
