#pragma once

#include "tests/exchange/market.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// A market and a clock that the test moves.
class MarketRun {
 public:
  explicit MarketRun(std::uint64_t seed, std::vector<std::string> symbols = MarketOptions{}.symbols,
                     std::int64_t start_us = kStart)
      : market_({seed, std::move(symbols), start_us}), now_us_(start_us) {}

  /// One engine event and then what is due, a varying while later; the frames of the event alone
  /// go to `on_event`, those of the time to `on_time`, each as one batch.
  template <class OnEvent, class OnTime>
  void advance(int events, OnEvent on_event, OnTime on_time) {
    std::vector<Frame> frames;
    for (int i = 0; i < events; ++i) {
      now_us_ += 1 + (++steps_ * 7'919) % 5'000;
      market_.trade_or_quote(now_us_, frames);
      on_event(frames);
      frames.clear();
      market_.tick(now_us_, frames);
      on_time(frames);
      frames.clear();
    }
  }

  /// Every frame alike.
  template <class OnFrame>
  void advance(int events, OnFrame on_frame) {
    const auto each = [&](const std::vector<Frame>& frames) {
      std::for_each(frames.begin(), frames.end(), on_frame);
    };
    advance(events, each, each);
  }

  Market& market() { return market_; }
  std::int64_t now_us() const { return now_us_; }

  static constexpr std::int64_t kStart = 1'788'367'430'000'000;

 private:
  Market market_;
  std::int64_t now_us_;
  std::int64_t steps_ = 0;
};

/// "98.97" → 9897: numbers of one symbol have equally many decimals.
inline std::int64_t units(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '.'), text.end());
  return std::stoll(text);
}

/// A book as a consumer of the exchange rebuilds it: a snapshot, then the frames of a depth stream.
class RebuiltBook {
 public:
  explicit RebuiltBook(const std::string& snapshot) {
    const auto json = nlohmann::json::parse(snapshot);
    apply(json["asks"], asks_);
    apply(json["bids"], bids_);
    update_id_ = std::stoll(json["lastUpdateId"].get<std::string>());
  }

  /// False where the frame does not continue what came before.
  bool apply(const nlohmann::json& depth) {
    const bool continues = depth["U"].get<std::int64_t>() == update_id_ + 1;
    apply(depth["a"], asks_);
    apply(depth["b"], bids_);
    update_id_ = depth["u"].get<std::int64_t>();
    return continues;
  }

  bool operator==(const RebuiltBook&) const = default;

  using Side = std::map<std::int64_t, std::int64_t>;  ///< price → quantity
  const Side& asks() const { return asks_; }
  const Side& bids() const { return bids_; }
  std::int64_t update_id() const { return update_id_; }

 private:
  static void apply(const nlohmann::json& levels, Side& side) {
    for (const auto& level : levels) {
      const std::int64_t quantity = units(level[1]);
      if (quantity == 0) {
        side.erase(units(level[0]));
      } else {
        side[units(level[0])] = quantity;
      }
    }
  }

  Side asks_;
  Side bids_;
  std::int64_t update_id_ = 0;
};

}  // namespace bpx::exchange
