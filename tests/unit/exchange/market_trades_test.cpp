#include "tests/exchange/candle.hpp"
#include "tests/exchange/kline_interval.hpp"
#include "tests/unit/exchange/market_run.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace bpx::exchange {
namespace {

class MarketTradesTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  static constexpr const char* kSymbol = "SOL_USDC_PERP";
  MarketRun run{GetParam(), {kSymbol, "BTC_USDC"}};
};

/// What the trades of each period add up to, by the name of the kline stream and `t`.
class ExpectedCandles {
 public:
  void add(const nlohmann::json& trade) {
    const std::string symbol = trade["s"];
    for (const KlineInterval& interval : kKlineIntervals) {
      const Period period = period_at(interval, trade["T"]);
      Candle& candle = candles_[{"kline." + std::string(interval.name) + "." + symbol,
                                 iso_time(period.start_us)}];
      candle.add(units(trade["p"]), units(trade["q"]));
    }
  }

  const Candle& of(const std::string& stream, const std::string& start) {
    return candles_[{stream, start}];
  }

 private:
  std::map<std::pair<std::string, std::string>, Candle> candles_;
};

void expect_equal(const nlohmann::json& said, const Candle& candle) {
  ASSERT_EQ(said["n"], candle.trades);
  ASSERT_EQ(units(said["v"]), candle.volume);
  if (candle.trades == 0) {
    for (const char* price : {"o", "h", "l", "c"}) ASSERT_TRUE(said[price].is_null());
    return;
  }
  ASSERT_EQ(units(said["o"]), candle.open);
  ASSERT_EQ(units(said["h"]), candle.high);
  ASSERT_EQ(units(said["l"]), candle.low);
  ASSERT_EQ(units(said["c"]), candle.close);
}

TEST_P(MarketTradesTest, TradeIdsCountUpByOne) {
  std::map<std::string, std::int64_t> last;
  run.advance(100'000, [&](const Frame& frame) {
    if (!frame.stream.starts_with("trade.")) return;
    const auto id = nlohmann::json::parse(frame.data)["t"].get<std::int64_t>();
    const auto [entry, is_first] = last.try_emplace(frame.stream, id);
    if (is_first) return;
    ASSERT_EQ(id, entry->second + 1);
    entry->second = id;
  });
  EXPECT_EQ(last.size(), 2U);
}

TEST_P(MarketTradesTest, TheTakersOrderIsTheYoungerOne) {
  run.advance(20'000, [&](const Frame& frame) {
    if (!frame.stream.starts_with("trade.")) return;
    const auto trade = nlohmann::json::parse(frame.data);
    const bool buyer_was_first = units(trade["b"]) < units(trade["a"]);
    ASSERT_EQ(trade["m"].get<bool>(), buyer_was_first);
  });
}

TEST_P(MarketTradesTest, KlinesAgreeWithTheTrades) {
  ExpectedCandles expected;
  std::map<std::string, int> open;
  std::map<std::string, int> closed;
  run.advance(100'000, [&](const Frame& frame) {
    if (frame.stream.starts_with("trade.")) expected.add(nlohmann::json::parse(frame.data));
    if (!frame.stream.starts_with("kline.")) return;
    const auto kline = nlohmann::json::parse(frame.data);
    ASSERT_NO_FATAL_FAILURE(expect_equal(kline, expected.of(frame.stream, kline["t"])));
    ++(kline["X"].get<bool>() ? closed : open)[frame.stream];
  });
  EXPECT_EQ(open.size(), 2 * kKlineIntervals.size());
  EXPECT_GE(closed[std::string("kline.1s.") + kSymbol], 249);
  EXPECT_GE(closed[std::string("kline.1m.") + kSymbol], 4);
}

TEST_P(MarketTradesTest, ClosedKlinesFollowEachOther) {
  std::map<std::string, std::string> end_of_last;
  run.advance(50'000, [&](const Frame& frame) {
    if (!frame.stream.starts_with("kline.")) return;
    const auto kline = nlohmann::json::parse(frame.data);
    if (!kline["X"].get<bool>()) return;
    const auto [entry, is_first] = end_of_last.try_emplace(frame.stream, kline["T"]);
    if (is_first) return;
    ASSERT_EQ(kline["t"], entry->second);
    entry->second = kline["T"];
  });
}

TEST_P(MarketTradesTest, TheTickerAgreesWithTheTradesOfTheDay) {
  std::map<std::string, Candle> days;
  int tickers = 0;
  run.advance(100'000, [&](const Frame& frame) {
    const bool is_trade = frame.stream.starts_with("trade.");
    if (!is_trade && !frame.stream.starts_with("ticker.")) return;
    const auto json = nlohmann::json::parse(frame.data);
    Candle& day = days[json["s"]];
    if (is_trade) return day.add(units(json["p"]), units(json["q"]));
    if (day.trades == 0) return;
    ASSERT_NO_FATAL_FAILURE(expect_equal(json, day));
    ASSERT_EQ(units(json["V"]), day.quote_volume);
    ASSERT_FALSE(json.contains("T"));
    ++tickers;
  });
  EXPECT_GE(tickers, 2 * 249);
}

TEST_P(MarketTradesTest, EveryLiquidationIsATrade) {
  std::set<std::string> trades;
  int liquidations = 0;
  const auto key = [](const nlohmann::json& json) {
    return json["T"].dump() + json["p"].dump() + json["q"].dump();
  };
  run.advance(100'000, [&](const Frame& frame) {
    if (frame.stream == std::string("trade.") + kSymbol) {
      trades.insert(key(nlohmann::json::parse(frame.data)));
    } else if (frame.stream == "liquidation") {
      ASSERT_TRUE(trades.contains(key(nlohmann::json::parse(frame.data))));
      ++liquidations;
    }
  });
  EXPECT_GT(liquidations, 10);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MarketTradesTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace bpx::exchange
