#include "tests/exchange/order_flow.hpp"

#include <algorithm>

namespace bpx::exchange {

namespace {

/// How far from the other side's best price an order is placed, at most; most are much nearer.
Price reach_of(std::size_t levels) { return std::max<Price>(600, 2 * static_cast<Price>(levels)); }

// How often each thing happens, of kWhole steps.
constexpr std::int64_t kWhole = 10'000;
constexpr std::int64_t kPlaced = 6'000;
constexpr std::int64_t kWithdrawn = 1'995;
constexpr std::int64_t kTaken = 2'000;  // the rest sweeps

Price draw_reach(Random& random, Price most) {
  const Price far = 1 + random.below(most);
  const Price near = 1 + random.below(far);
  return random.below(near);
}

std::int64_t spare_levels(const OrderBook& book, Side side) {
  return static_cast<std::int64_t>(book.levels(side).size() - OrderFlow::kFewestLevels);
}

}  // namespace

OrderFlow::OrderFlow(const Instrument& instrument, Random& random, OrderIds& order_ids,
                     std::size_t levels)
    : instrument_(instrument),
      most_levels_(2 * levels),
      reach_(reach_of(levels)),
      book_(1'000'000'000 + random.below(4'000'000'000)),
      last_trade_(1'000'000 + random.below(400'000'000)) {
  for (const Side side : kSides) {
    Price price = instrument.anchor;
    for (std::size_t i = 0; i < levels; ++i) {
      const Price gap = 1 + random.below(2);
      price += side == Side::bid ? -gap : gap;
      const Quantity quantity = draw_quantity(random);
      book_.set(side, {price, quantity, order_ids.next(random)});
    }
  }
}

void OrderFlow::step(Random& random, OrderIds& order_ids, EngineEvent& event) {
  event.trades.clear();
  event.changes.clear();
  event.placed.reset();
  event.withdrawn.clear();
  event.first_update = book_.update_id() + 1;
  const Level bid = book_.best(Side::bid);
  const Level ask = book_.best(Side::ask);

  act(random, order_ids, event);

  event.last_update = book_.update_id();
  event.top_changed = book_.best(Side::bid) != bid || book_.best(Side::ask) != ask;
}

void OrderFlow::act(Random& random, OrderIds& order_ids, EngineEvent& event) {
  for (const Side side : kSides) {
    if (book_.levels(side).size() < kFewestLevels) return place(side, random, order_ids, event);
  }
  const Side side = random.one_in(2) ? Side::bid : Side::ask;
  const std::int64_t roll = random.below(kWhole);
  if (roll < kPlaced) return place(side, random, order_ids, event);
  if (roll < kPlaced + kWithdrawn) {
    const auto& levels = book_.levels(side);
    const auto pick = random.below(static_cast<std::int64_t>(levels.size()));
    return withdraw(side, levels[static_cast<std::size_t>(pick)], event);
  }
  const Side taker_side = pick_taker_side(random);
  const bool sweeps = roll >= kPlaced + kWithdrawn + kTaken;
  const std::int64_t spare = sweeps ? spare_levels(book_, opposite(taker_side)) : 0;
  take(taker_side, 1 + random.below(spare + 1), random, order_ids, event);
}

void OrderFlow::place(Side side, Random& random, OrderIds& order_ids, EngineEvent& event) {
  const Price reach = draw_reach(random, reach_);
  const Price other = book_.best(opposite(side)).price;
  const Price price = side == Side::bid ? std::max<Price>(1, other - 1 - reach) : other + 1 + reach;
  if (const Level* replaced = book_.find(side, price)) {
    event.withdrawn.push_back(replaced->order);
  } else if (book_.levels(side).size() == most_levels_) {
    withdraw(side, book_.levels(side).front(), event);
  }
  const Quantity quantity = draw_quantity(random);
  const OrderId id = order_ids.next(random);
  change(side, {price, quantity, id}, event);
  event.placed = Order{id, side, price, quantity};
}

void OrderFlow::withdraw(Side side, Level level, EngineEvent& event) {
  event.withdrawn.push_back(level.order);
  level.quantity = 0;
  change(side, level, event);
}

void OrderFlow::take(Side taker_side, std::int64_t orders, Random& random, OrderIds& order_ids,
                     EngineEvent& event) {
  const Side side = opposite(taker_side);
  const OrderId taker = order_ids.next(random);
  for (; orders > 0; --orders) {
    Level level = book_.best(side);
    const bool leaves_rest = orders == 1 && !random.one_in(4);
    const Quantity quantity = leaves_rest ? 1 + random.below(level.quantity) : level.quantity;
    event.trades.push_back({++last_trade_, taker_side, level.price, quantity, level.order, taker});
    level.quantity -= quantity;
    change(side, level, event);
  }
}

void OrderFlow::change(Side side, const Level& level, EngineEvent& event) {
  book_.set(side, level);
  event.changes.push_back({side, level.price, level.quantity});
}

Side OrderFlow::pick_taker_side(Random& random) const {
  // Even at the anchor, none but buyers at 0, none but sellers at twice the anchor.
  return random.below(4 * instrument_.anchor) >= book_.twice_middle() ? Side::bid : Side::ask;
}

Quantity OrderFlow::draw_quantity(Random& random) const {
  const Quantity most = 1 + random.below(4 * instrument_.typical_quantity);
  return 1 + random.below(most);
}

}  // namespace bpx::exchange
