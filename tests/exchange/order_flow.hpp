#pragma once

#include "tests/exchange/engine_event.hpp"
#include "tests/exchange/instrument.hpp"
#include "tests/exchange/order_book.hpp"
#include "tests/exchange/order_ids.hpp"
#include "tests/exchange/random.hpp"

#include <cstddef>
#include <cstdint>

namespace bpx::exchange {

/// The traders of one instrument: chance places orders, withdraws them and trades against them, and
/// the price walks. The only writer of the book.
///
/// The book stays healthy by construction. New orders are placed relative to the other side's best
/// price, so the sides never cross. A thin side is refilled before anything else happens, a full
/// one sheds its worst level. The further the price has strayed from its anchor, the more takers
/// push it back.
class OrderFlow {
 public:
  static constexpr std::size_t kFewestLevels = 50;

  /// Opens with so many levels on each side. `instrument` must outlive the flow.
  OrderFlow(const Instrument& instrument, Random& random, OrderIds& order_ids, std::size_t levels);

  /// Takes one step and describes it in `event`, whose former content is gone.
  void step(Random& random, OrderIds& order_ids, EngineEvent& event);

  const OrderBook& book() const { return book_; }

  /// Of a side.
  std::size_t most_levels() const { return most_levels_; }

 private:
  void act(Random& random, OrderIds& order_ids, EngineEvent& event);
  void place(Side side, Random& random, OrderIds& order_ids, EngineEvent& event);
  void withdraw(Side side, Level level, EngineEvent& event);
  /// One taker against as many of the best orders; the last one may be left with a rest.
  void take(Side taker_side, std::int64_t orders, Random& random, OrderIds& order_ids,
            EngineEvent& event);
  void change(Side side, const Level& level, EngineEvent& event);

  Side pick_taker_side(Random& random) const;
  Quantity draw_quantity(Random& random) const;

  const Instrument& instrument_;
  const std::size_t most_levels_;
  const Price reach_;
  OrderBook book_;
  TradeId last_trade_;
};

}  // namespace bpx::exchange
