#pragma once

#include "tests/exchange/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

struct MarketOptions {
  /// The same seed and the same sequence of calls give the same frames, byte for byte.
  std::uint64_t seed = 1;
  std::vector<std::string> symbols = {"SOL_USDC", "BTC_USDC", "SOL_USDC_PERP", "AAPL.US_USDC"};
  /// Unix microseconds at which the market opens.
  std::int64_t start_us = 0;
  /// Prices on each side of a book when its market opens; later there are twice as many at most. Up
  /// to 2,400, else the lowest could open below nothing.
  std::size_t levels = 100;
};

/// Markets that move: for each symbol an order book that a random walk changes, and every stream
/// that an exchange derives from it. No I/O, no clock, no thread: time is what the caller says.
class Market {
 public:
  explicit Market(MarketOptions options);
  ~Market();
  Market(const Market&) = delete;
  Market& operator=(const Market&) = delete;

  /// Lets one engine event happen on one symbol at `now_us` (Unix microseconds, never decreasing)
  /// and appends the frames it causes, in the order in which the exchange would send them.
  void trade_or_quote(std::int64_t now_us, std::vector<Frame>& out);

  /// Appends what time alone causes up to `now_us`: aggregated depth at 200, 600 and 1000 ms,
  /// klines, tickers, mark prices, open interest.
  void tick(std::int64_t now_us, std::vector<Frame>& out);

  /// Whether a client may subscribe to this name: a stream of a symbol that is traded here, or an
  /// `account.` stream.
  bool has_stream(std::string_view name) const;

  /// What subscribing itself causes, before any other frame of the stream: the open positions of
  /// `account.positionUpdate`. Empty for all other streams.
  std::vector<Frame> on_subscribed(std::string_view name, std::int64_t now_us) const;

  /// The bodies of `/api/v1/markets` and `/api/v1/depth?symbol=`; nullopt where the symbol is
  /// unknown. The frames caused after a snapshot lead from it to the book of that moment, as far as
  /// the best `limit` prices of each side go.
  std::string markets_json() const;
  std::optional<std::string> depth_json(std::string_view symbol, std::int64_t now_us,
                                        std::size_t limit = kDeepest) const;

  /// So many prices of each side REST tells at most.
  static constexpr std::size_t kDeepest = 1'000;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bpx::exchange
