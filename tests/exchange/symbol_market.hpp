#pragma once

#include "tests/exchange/cadence.hpp"
#include "tests/exchange/depth_aggregator.hpp"
#include "tests/exchange/engine_event.hpp"
#include "tests/exchange/frame.hpp"
#include "tests/exchange/instrument.hpp"
#include "tests/exchange/klines.hpp"
#include "tests/exchange/order_flow.hpp"
#include "tests/exchange/order_ids.hpp"
#include "tests/exchange/random.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bpx::exchange {

/// The trading of one symbol, and every public stream that follows from it.
class SymbolMarket {
 public:
  /// Opens with so many levels on each side.
  SymbolMarket(Instrument instrument, std::int64_t start_us, std::size_t levels, Random& random,
               OrderIds& order_ids);
  ~SymbolMarket() = default;
  SymbolMarket(const SymbolMarket&) = delete;
  SymbolMarket& operator=(const SymbolMarket&) = delete;

  /// One step of the engine, and the frames that it causes at once. The event is valid until the
  /// next step.
  const EngineEvent& step(std::int64_t now_us, Random& random, OrderIds& order_ids,
                          std::vector<Frame>& out);

  /// The frames that are due by now. To be called about every 200 ms, the shortest period.
  void turn(std::int64_t now_us, Random& random, std::vector<Frame>& out);

  const Instrument& instrument() const { return instrument_; }
  const OrderBook& book() const { return flow_.book(); }

 private:
  void publish_trades(std::int64_t now_us, Random& random, std::vector<Frame>& out);
  void publish_book(std::int64_t now_us, Random& random, std::vector<Frame>& out);
  void publish_each_second(std::int64_t now_us, Random& random, std::vector<Frame>& out);
  void move_open_interest(Quantity traded, Random& random);

  struct StreamNames {
    explicit StreamNames(const std::string& symbol);
    std::string book_ticker, depth, trade, ticker, mark_price, open_interest;
  };

  const Instrument instrument_;
  const StreamNames streams_;
  OrderFlow flow_;
  EngineEvent event_;
  Klines klines_;
  std::vector<DepthAggregator> aggregators_;
  Cadence each_second_;
  Cadence each_minute_;
  Price last_price_;
  Quantity open_interest_;
};

}  // namespace bpx::exchange
