#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace bpx::exchange {

using Price = std::int64_t;     ///< in ticks of the instrument
using Quantity = std::int64_t;  ///< in lots of the instrument
using OrderId = std::int64_t;
using UpdateId = std::int64_t;

enum class Side { bid, ask };

inline constexpr std::array kSides = {Side::bid, Side::ask};

constexpr Side opposite(Side side) { return side == Side::bid ? Side::ask : Side::bid; }

/// A price and the one order that rests there.
struct Level {
  Price price = 0;
  Quantity quantity = 0;
  OrderId order = 0;

  bool operator==(const Level&) const = default;
};

/// The resting orders of one instrument, one for each price.
class OrderBook {
 public:
  explicit OrderBook(UpdateId update_id) : update_id_(update_id) {}

  /// Puts `level` in place of what rests at its price; a quantity of 0 clears the price. Takes the
  /// next update id.
  void set(Side side, const Level& level);

  /// Worst price first, best price last: what changes most is cheapest to change.
  const std::vector<Level>& levels(Side side) const;

  /// The side must not be empty.
  const Level& best(Side side) const { return levels(side).back(); }

  /// What rests at `price`; nullptr where nothing does. Valid until the next `set`.
  const Level* find(Side side, Price price) const;

  /// Best bid plus best ask: twice the middle, so that it is a whole number.
  Price twice_middle() const { return best(Side::bid).price + best(Side::ask).price; }

  /// The id of the last change.
  UpdateId update_id() const { return update_id_; }

 private:
  std::vector<Level> bids_;
  std::vector<Level> asks_;
  UpdateId update_id_;
};

}  // namespace bpx::exchange
