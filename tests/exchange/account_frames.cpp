#include "tests/exchange/account_frames.hpp"

#include "tests/exchange/json_object.hpp"
#include "tests/exchange/market_frames.hpp"

#include <cstdlib>

namespace bpx::exchange {

namespace {

struct Fill {
  const Trade& trade;
  Amount fee;
};

std::string order_text(const Instrument& instrument, Stamp stamp, std::string_view event,
                       std::string_view state, const OwnOrder& own, const Fill* fill) {
  const Order& order = own.order;
  JsonObject data;
  data.integer("E", stamp.event_us);
  if (fill != nullptr) {
    data.decimal("L", instrument.price(fill->trade.price)).text("N", instrument.quote);
  }
  data.text("O", "USER")
      .decimal("Q", instrument.value(order.price * order.quantity))
      .text("S", side_name(order.side))
      .integer("T", stamp.engine_us)
      .text("V", "RejectTaker")
      .text("X", state)
      .decimal("Z", trimmed(instrument.value(order.price * own.executed)))
      .text("e", event)
      .text("f", "GTC")
      .decimal("i", {order.id, 0});
  if (fill != nullptr) {
    data.decimal("l", trimmed(instrument.quantity(fill->trade.quantity)))
        .boolean("m", true)
        .decimal("n", trimmed({fill->fee, kAmountDecimals}));
  }
  data.text("o", "LIMIT")
      .decimal("p", instrument.price(order.price))
      .decimal("q", trimmed(instrument.quantity(order.quantity)))
      .boolean("r", false)
      .text("s", instrument.symbol);
  if (fill != nullptr) {
    data.integer("t", fill->trade.id);
  } else {
    data.null("t");
  }
  data.boolean("y", true).decimal("z", trimmed(instrument.quantity(own.executed)));
  return data.finish();
}

/// The mean price at which the open part was entered, to four more decimals than a price has.
Decimal entry_price(const Instrument& instrument, const Position& position) {
  constexpr int kMoreDecimals = 4;
  if (!position.is_open()) return {};
  const std::int64_t ticks = position.cost() / position.quantity();
  const std::int64_t rest = position.cost() % position.quantity();
  const std::int64_t scale = power_of_ten(kMoreDecimals);
  return trimmed({ticks * scale + rest * scale / position.quantity(),
                  instrument.price_decimals + kMoreDecimals});
}

/// A value in tenths of a tick times lots: a tenth is the unit of mark prices.
Decimal value_of_tenths(const Instrument& instrument, std::int64_t tenths) {
  return trimmed({tenths, instrument.price_decimals + instrument.quantity_decimals + 1});
}

}  // namespace

std::string order_accepted_text(const Instrument& instrument, Stamp stamp, const OwnOrder& own) {
  return order_text(instrument, stamp, "orderAccepted", "New", own, nullptr);
}

std::string order_cancelled_text(const Instrument& instrument, Stamp stamp, const OwnOrder& own) {
  return order_text(instrument, stamp, "orderCancelled", "Cancelled", own, nullptr);
}

std::string order_fill_text(const Instrument& instrument, Stamp stamp, const OwnOrder& own,
                            const Trade& trade, Amount fee) {
  const Fill fill{trade, fee};
  const std::string_view state = own.rest() == 0 ? "Filled" : "PartiallyFilled";
  return order_text(instrument, stamp, "orderFill", state, own, &fill);
}

std::string balance_text(Stamp stamp, const std::string& asset, const Balance& balance) {
  return JsonObject()
      .decimal("A", trimmed({balance.available, kAmountDecimals}))
      .integer("E", stamp.event_us)
      .decimal("L", trimmed({balance.locked, kAmountDecimals}))
      .decimal("S", {})
      .integer("T", stamp.engine_us)
      .text("a", asset)
      .text("e", "balanceUpdate")
      .finish();
}

std::string position_text(const Instrument& instrument, Stamp stamp, std::string_view event,
                          const Position& position, std::int64_t id, const OrderBook& book) {
  const Decimal mark = mark_price(instrument, book);
  const Decimal entry = entry_price(instrument, position);
  const Quantity exposure = std::abs(position.quantity());
  const std::int64_t unrealized = mark.units * position.quantity() - 10 * position.cost();
  JsonObject data;
  data.decimal("B", entry)
      .integer("E", stamp.event_us)
      .decimal("M", trimmed(mark))
      .decimal("P", value_of_tenths(instrument, unrealized))
      .decimal("Q", trimmed(instrument.quantity(exposure)))
      .integer("T", stamp.engine_us)
      .decimal("b", entry);
  if (!event.empty()) data.text("e", event);
  return data.text("f", "0.02")
      .integer("i", id)
      .text("l", "0")
      .text("m", "0.0125")
      .decimal("n", value_of_tenths(instrument, mark.units * exposure))
      .decimal("p", trimmed(instrument.value(position.realized())))
      .decimal("q", trimmed(instrument.quantity(position.quantity())))
      .text("s", instrument.symbol)
      .finish();
}

}  // namespace bpx::exchange
