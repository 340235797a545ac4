#include "tests/exchange/market.hpp"

#include "tests/unit/exchange/market_run.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace bpx::exchange {
namespace {

std::string said_in(MarketRun& run, int events) {
  std::string all;
  run.advance(events, [&all](const Frame& frame) { all += frame.stream + frame.data + '\n'; });
  return all;
}

TEST(Market, SaysTheSameForTheSameSeed) {
  MarketRun one(7);
  MarketRun two(7);
  MarketRun other(8);
  const std::string said = said_in(one, 20'000);
  EXPECT_TRUE(said == said_in(two, 20'000));
  EXPECT_FALSE(said == said_in(other, 20'000));
}

TEST(Market, WritesKeysInByteOrderAndNoWhiteSpace) {
  MarketRun run(7);
  run.advance(10'000, [](const Frame& frame) {
    ASSERT_EQ(nlohmann::json::parse(frame.data).dump(), frame.data);
  });
}

TEST(Market, SaysOnlyWhatOneMaySubscribeTo) {
  MarketRun run(7);
  std::set<std::string> streams;
  run.advance(50'000, [&](const Frame& frame) { streams.insert(frame.stream); });
  for (const std::string& stream : streams) {
    EXPECT_TRUE(run.market().has_stream(stream)) << stream;
  }
  // Of each symbol: bookTicker, trade, ticker, four depths, sixteen klines, the account's orders.
  // Of the perpetual: mark price, open interest, the account's position. Of none: liquidations, and
  // the account's orders, positions and balances.
  EXPECT_EQ(streams.size(), 4U * 24 + 3 + 4);
}

TEST(Market, KnowsStreamNamesExactly) {
  const Market market({});
  for (const char* name :
       {"bookTicker.AAPL.US_USDC", "depth.SOL_USDC", "depth.200ms.SOL_USDC", "depth.600ms.SOL_USDC",
        "depth.1000ms.AAPL.US_USDC", "trade.SOL_USDC_PERP", "kline.1s.SOL_USDC",
        "kline.1month.BTC_USDC", "ticker.BTC_USDC", "markPrice.SOL_USDC_PERP",
        "openInterest.SOL_USDC_PERP", "liquidation", "account.orderUpdate",
        "account.orderUpdate.SOL_USDC", "account.positionUpdate", "account.rfqUpdate.SOL_USDC",
        "account.balanceUpdate", "stockPrice.AAPL.US_USDC"}) {
    EXPECT_TRUE(market.has_stream(name)) << name;
  }
  for (const char* name :
       {"", "trade", "trade.", "trade.NOPE_USDC", "trade.SOL_USDC ", "Trade.SOL_USDC",
        "depth.100ms.SOL_USDC", "kline.SOL_USDC", "kline.2m.SOL_USDC", "markPrice.SOL_USDC",
        "liquidation.SOL_USDC", "account.", "account.order", "account.balanceUpdate.SOL_USDC",
        "bookTicker.US_USDC", "stockPrice.SOL_USDC"}) {
    EXPECT_FALSE(market.has_stream(name)) << name;
  }
}

TEST(Market, NeverTurnsTimeBackWithinAStream) {
  MarketRun run(7);
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> last;
  run.advance(30'000, [&](const Frame& frame) {
    const auto json = nlohmann::json::parse(frame.data);
    const std::int64_t event = json["E"];
    ASSERT_LE(event, run.now_us());
    auto& [last_event, last_engine] = last[frame.stream];
    ASSERT_GE(event, last_event);
    last_event = event;
    if (!json.contains("T") || !json["T"].is_number()) return;
    const std::int64_t engine = json["T"];
    ASSERT_LT(engine, event);
    ASSERT_GE(engine, last_engine);
    last_engine = engine;
  });
}

TEST(Market, LetsTheDepthOvertakeTheBookTickerNowAndThen) {
  MarketRun run(7, {"SOL_USDC"});
  int in_order = 0;
  int overtaken = 0;
  run.advance(
      10'000,
      [&](const std::vector<Frame>& frames) {
        for (std::size_t i = 1; i < frames.size(); ++i) {
          if (!frames[i].stream.starts_with("depth.")) continue;
          if (frames[i - 1].stream.starts_with("bookTicker.")) ++in_order;
        }
        if (frames.size() > 1 && frames[1].stream.starts_with("bookTicker.")) ++overtaken;
      },
      [](const std::vector<Frame>&) {});
  EXPECT_GT(in_order, overtaken);
  EXPECT_GT(overtaken, 10);
}

TEST(Market, OpensAtTimeZero) {
  MarketRun run(7, {"SOL_USDC", "SOL_USDC_PERP"}, 0);
  run.advance(5'000, [](const Frame& frame) {
    const auto json = nlohmann::json::parse(frame.data);
    ASSERT_GE(json["E"].get<std::int64_t>(), 0);
  });
}

TEST(Market, SaysOfASilentSymbolOnlyWhatTimeBrings) {
  Market market({7, {"SOL_USDC_PERP"}, MarketRun::kStart});
  std::vector<Frame> frames;
  for (std::int64_t ms = 1; ms <= 60'000; ++ms) market.tick(MarketRun::kStart + ms * 1'000, frames);
  std::map<std::string, int> count;
  for (const Frame& frame : frames) ++count[frame.stream];
  const std::map<std::string, int> expected = {{"kline.1s.SOL_USDC_PERP", 60},
                                               {"kline.1m.SOL_USDC_PERP", 1},
                                               {"markPrice.SOL_USDC_PERP", 60},
                                               {"openInterest.SOL_USDC_PERP", 1},
                                               {"ticker.SOL_USDC_PERP", 60}};
  for (const auto& [stream, times] : expected) EXPECT_NEAR(count[stream], times, 1) << stream;
  EXPECT_LE(count.size(), expected.size() + 2) << "3m and 5m candles may close as well";
}

TEST(Market, CatchesUpInOneRoundAfterALongSleep) {
  Market market({7, {"SOL_USDC", "BTC_USDC"}, 0});
  std::vector<Frame> frames;
  market.tick(MarketRun::kStart, frames);
  EXPECT_LE(frames.size(), 2U * 20);
  frames.clear();
  market.tick(MarketRun::kStart, frames);
  EXPECT_TRUE(frames.empty());
}

TEST(Market, SpreadsThousandsOfSymbolsOverTime) {
  std::vector<std::string> symbols(2'500);
  for (std::size_t i = 0; i < symbols.size(); ++i) symbols[i] = 'T' + std::to_string(i) + "_USDC";
  Market market({7, symbols, MarketRun::kStart});
  EXPECT_TRUE(market.has_stream("kline.1month.T2499_USDC"));
  std::vector<Frame> frames;
  std::size_t all = 0;
  for (std::int64_t ms = 1; ms <= 2'000; ++ms) {
    market.tick(MarketRun::kStart + ms * 1'000, frames);
    EXPECT_LT(frames.size(), 100U);
    all += frames.size();
    frames.clear();
  }
  EXPECT_GT(all, 2'500U * 2);
}

TEST(Market, ListsItsSymbols) {
  const Market market({});
  const auto markets = nlohmann::json::parse(market.markets_json());
  ASSERT_EQ(markets.size(), 4U);
  EXPECT_EQ(markets[2]["symbol"], "SOL_USDC_PERP");
  EXPECT_EQ(markets[2]["marketType"], "PERP");
  EXPECT_EQ(markets[3]["baseSymbol"], "AAPL.US");
  EXPECT_EQ(markets[3]["quoteSymbol"], "USDC");
  EXPECT_EQ(markets[3]["filters"]["price"]["tickSize"], "0.01");
  EXPECT_EQ(market.depth_json("NOPE_USDC", 0), std::nullopt);
}

TEST(Market, WithoutSymbolsIsSilent) {
  Market market({7, {}, 0});
  std::vector<Frame> frames;
  market.trade_or_quote(1, frames);
  market.tick(1'000'000, frames);
  EXPECT_TRUE(frames.empty());
  EXPECT_EQ(market.markets_json(), "[]");
}

}  // namespace
}  // namespace bpx::exchange
