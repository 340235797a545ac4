#pragma once

#include "tests/exchange/account_frames.hpp"
#include "tests/exchange/engine_event.hpp"
#include "tests/exchange/frame.hpp"
#include "tests/exchange/instrument.hpp"
#include "tests/exchange/order_book.hpp"
#include "tests/exchange/position.hpp"
#include "tests/exchange/random.hpp"
#include "tests/exchange/wallet.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// The account whose private streams the exchange serves. Now and then it claims an order that was
/// placed at the top of a book as its own, at most one for each symbol; from then on the market
/// decides what becomes of it, so that its fills are trades that everybody sees.
class Account {
 public:
  explicit Account(std::size_t symbols) : holdings_(symbols) {}

  /// Appends what the event means to the account. `book` is the instrument's after the event.
  void observe(const Instrument& instrument, const OrderBook& book, const EngineEvent& event,
               std::int64_t now_us, Random& random, std::vector<Frame>& out);

  /// The position in this instrument, as subscribing to `stream` tells it; nothing where none is
  /// open.
  void report_position(std::string_view stream, const Instrument& instrument, const OrderBook& book,
                       std::int64_t now_us, std::vector<Frame>& out) const;

 private:
  struct Holding {
    std::optional<OwnOrder> order;
    Position position;
    std::int64_t position_id = 0;
  };

  bool wants(const Instrument& instrument, const OrderBook& book, const Order& order,
             Random& random) const;
  void accept(const Instrument& instrument, const Order& order, Stamp stamp,
              std::vector<Frame>& out);
  void fill(const Instrument& instrument, const OrderBook& book, const Trade& trade, Stamp stamp,
            std::vector<Frame>& out);
  void cancel(const Instrument& instrument, Stamp stamp, std::vector<Frame>& out);

  void settle_spot(const Instrument& instrument, const Order& order, const Trade& trade,
                   Stamp stamp, std::vector<Frame>& out);
  void settle_perp(const Instrument& instrument, const OrderBook& book, const Order& order,
                   const Trade& trade, Stamp stamp, std::vector<Frame>& out);
  void publish_balance(const std::string& asset, Stamp stamp, std::vector<Frame>& out);

  std::vector<Holding> holdings_;  ///< by the instrument's index
  Wallet wallet_;
};

}  // namespace bpx::exchange
