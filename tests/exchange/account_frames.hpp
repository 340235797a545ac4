#pragma once

#include "tests/exchange/engine_event.hpp"
#include "tests/exchange/instrument.hpp"
#include "tests/exchange/order_book.hpp"
#include "tests/exchange/position.hpp"
#include "tests/exchange/wallet.hpp"

#include <cstdint>
#include <string>
#include <string_view>

/// The `data` texts of the private streams. `orderAccepted` and `balanceUpdate` follow captured
/// frames, the other events the exchange's documentation of their fields.
namespace bpx::exchange {

/// An order of the account's own; `order.quantity` is what it was placed for.
struct OwnOrder {
  Order order;
  Quantity executed = 0;

  Quantity rest() const { return order.quantity - executed; }
};

std::string order_accepted_text(const Instrument& instrument, Stamp stamp, const OwnOrder& own);
std::string order_cancelled_text(const Instrument& instrument, Stamp stamp, const OwnOrder& own);
/// `own.executed` counts the trade already.
std::string order_fill_text(const Instrument& instrument, Stamp stamp, const OwnOrder& own,
                            const Trade& trade, Amount fee);

std::string balance_text(Stamp stamp, const std::string& asset, const Balance& balance);

/// `event` is left out where it is empty, as the exchange does when it says on subscribing what is
/// open. The position's id is `id`.
std::string position_text(const Instrument& instrument, Stamp stamp, std::string_view event,
                          const Position& position, std::int64_t id, const OrderBook& book);

}  // namespace bpx::exchange
