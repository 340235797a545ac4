#pragma once

#include "tests/exchange/order_book.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace bpx::exchange {

using TradeId = std::int64_t;

/// When something happened, in Unix microseconds.
struct Stamp {
  std::int64_t event_us = 0;   ///< `E`: when the gateway says so
  std::int64_t engine_us = 0;  ///< `T`: when the engine did it
};

struct Order {
  OrderId id = 0;
  Side side = Side::bid;
  Price price = 0;
  Quantity quantity = 0;
};

struct Trade {
  TradeId id = 0;
  Side taker_side = Side::bid;
  Price price = 0;
  Quantity quantity = 0;
  OrderId maker = 0;
  OrderId taker = 0;

  OrderId bid_order() const { return taker_side == Side::bid ? taker : maker; }
  OrderId ask_order() const { return taker_side == Side::ask ? taker : maker; }
};

/// A price of the book and what rests there now; quantity 0: nothing.
struct LevelChange {
  Side side = Side::bid;
  Price price = 0;
  Quantity quantity = 0;
};

/// What one step of the engine did to one book.
struct EngineEvent {
  std::vector<Trade> trades;
  /// Each price once, in the order of the changes; each change is one update id.
  std::vector<LevelChange> changes;
  std::optional<Order> placed;
  /// Orders that left the book, or lost their price to another, without trading.
  std::vector<OrderId> withdrawn;
  UpdateId first_update = 0;
  UpdateId last_update = 0;
  bool top_changed = false;
};

}  // namespace bpx::exchange
