#include "tests/exchange/account.hpp"

#include <algorithm>

namespace bpx::exchange {

namespace {

constexpr std::int64_t kEngineLead = 189;  // from engine to account gateway, in microseconds
constexpr std::int64_t kOrdersPerClaim = 16;
constexpr Amount kFeeDivisor = 5'000;  // makers pay 0.02 %

/// What an order for `quantity` keeps locked.
struct Collateral {
  const std::string& asset;
  Amount amount;
};

Collateral collateral(const Instrument& instrument, const Order& order, Quantity quantity) {
  if (order.side == Side::ask) return {instrument.base, instrument.base_amount(quantity)};
  return {instrument.quote, instrument.quote_amount(order.price * quantity)};
}

Amount fee(const Instrument& instrument, const Trade& trade) {
  return instrument.quote_amount(trade.price * trade.quantity) / kFeeDivisor;
}

/// Each event has two streams: one of its type alone, one of its type and symbol.
void publish(std::string_view type, const Instrument& instrument, std::string data,
             std::vector<Frame>& out) {
  std::string stream(type);
  out.push_back({stream, data});
  stream.append(".").append(instrument.symbol);
  out.push_back({std::move(stream), std::move(data)});
}

constexpr std::string_view kOrderUpdate = "account.orderUpdate";
constexpr std::string_view kPositionUpdate = "account.positionUpdate";
constexpr const char* kBalanceUpdate = "account.balanceUpdate";

Stamp stamp(std::int64_t now_us) {
  return {now_us, std::max<std::int64_t>(0, now_us - kEngineLead)};
}

}  // namespace

void Account::observe(const Instrument& instrument, const OrderBook& book, const EngineEvent& event,
                      std::int64_t now_us, Random& random, std::vector<Frame>& out) {
  auto& own = holdings_[instrument.index].order;
  const Stamp at = stamp(now_us);
  for (const Trade& trade : event.trades) {
    if (own && trade.maker == own->order.id) fill(instrument, book, trade, at, out);
  }
  for (const OrderId withdrawn : event.withdrawn) {
    if (own && withdrawn == own->order.id) cancel(instrument, at, out);
  }
  if (!own && event.placed && wants(instrument, book, *event.placed, random)) {
    accept(instrument, *event.placed, at, out);
  }
}

bool Account::wants(const Instrument& instrument, const OrderBook& book, const Order& order,
                    Random& random) const {
  if (book.best(order.side).order != order.id || !random.one_in(kOrdersPerClaim)) return false;
  // A position is only ever led back to flat, or through it: so it stays as small as an order.
  const Quantity position = holdings_[instrument.index].position.quantity();
  return order.side == Side::bid ? position <= 0 : position >= 0;
}

void Account::accept(const Instrument& instrument, const Order& order, Stamp stamp,
                     std::vector<Frame>& out) {
  const Collateral needed = collateral(instrument, order, order.quantity);
  if (!instrument.is_perp && !wallet_.lock(needed.asset, needed.amount)) return;
  const OwnOrder& own = holdings_[instrument.index].order.emplace(OwnOrder{order});
  publish(kOrderUpdate, instrument, order_accepted_text(instrument, stamp, own), out);
  if (!instrument.is_perp) publish_balance(needed.asset, stamp, out);
}

void Account::fill(const Instrument& instrument, const OrderBook& book, const Trade& trade,
                   Stamp stamp, std::vector<Frame>& out) {
  auto& own = holdings_[instrument.index].order;
  own->executed += trade.quantity;
  publish(kOrderUpdate, instrument,
          order_fill_text(instrument, stamp, *own, trade, fee(instrument, trade)), out);
  if (instrument.is_perp) {
    settle_perp(instrument, book, own->order, trade, stamp, out);
  } else {
    settle_spot(instrument, own->order, trade, stamp, out);
  }
  if (own->rest() == 0) own.reset();
}

void Account::cancel(const Instrument& instrument, Stamp stamp, std::vector<Frame>& out) {
  auto& own = holdings_[instrument.index].order;
  publish(kOrderUpdate, instrument, order_cancelled_text(instrument, stamp, *own), out);
  if (!instrument.is_perp) {
    const Collateral freed = collateral(instrument, own->order, own->rest());
    wallet_.unlock(freed.asset, freed.amount);
    publish_balance(freed.asset, stamp, out);
  }
  own.reset();
}

void Account::settle_spot(const Instrument& instrument, const Order& order, const Trade& trade,
                          Stamp stamp, std::vector<Frame>& out) {
  const Collateral spent = collateral(instrument, order, trade.quantity);
  wallet_.spend_locked(spent.asset, spent.amount);
  if (order.side == Side::bid) {
    wallet_.credit(instrument.base, instrument.base_amount(trade.quantity));
  } else {
    wallet_.credit(instrument.quote, instrument.quote_amount(trade.price * trade.quantity));
  }
  wallet_.credit(instrument.quote, -fee(instrument, trade));
  publish_balance(instrument.base, stamp, out);
  publish_balance(instrument.quote, stamp, out);
}

void Account::settle_perp(const Instrument& instrument, const OrderBook& book, const Order& order,
                          const Trade& trade, Stamp stamp, std::vector<Frame>& out) {
  Holding& holding = holdings_[instrument.index];
  const bool opens = !holding.position.is_open();
  if (opens) holding.position_id = trade.id;
  const std::int64_t profit = holding.position.fill(order.side, trade.price, trade.quantity);
  const std::string_view event = opens                        ? "positionOpened"
                                 : holding.position.is_open() ? "positionAdjusted"
                                                              : "positionClosed";
  publish(kPositionUpdate, instrument,
          position_text(instrument, stamp, event, holding.position, holding.position_id, book),
          out);
  wallet_.credit(instrument.quote, instrument.quote_amount(profit) - fee(instrument, trade));
  publish_balance(instrument.quote, stamp, out);
}

void Account::publish_balance(const std::string& asset, Stamp stamp, std::vector<Frame>& out) {
  out.push_back({kBalanceUpdate, balance_text(stamp, asset, wallet_.balance(asset))});
}

void Account::report_position(std::string_view stream, const Instrument& instrument,
                              const OrderBook& book, std::int64_t now_us,
                              std::vector<Frame>& out) const {
  const Holding& holding = holdings_[instrument.index];
  if (!holding.position.is_open()) return;
  out.push_back({std::string(stream), position_text(instrument, stamp(now_us), "", holding.position,
                                                    holding.position_id, book)});
}

}  // namespace bpx::exchange
