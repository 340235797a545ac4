#include "tests/unit/exchange/market_run.hpp"

#include <gtest/gtest.h>

#include <map>

namespace bpx::exchange {
namespace {

constexpr const char* kSymbol = "SOL_USDC";

class MarketBookTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  RebuiltBook snapshot() { return RebuiltBook(*run.market().depth_json(kSymbol, run.now_us())); }

  MarketRun run{GetParam(), {kSymbol, "BTC_USDC"}};
};

TEST_P(MarketBookTest, EveryDepthStreamLeadsFromTheSnapshotToTheTrueBook) {
  std::map<std::string, RebuiltBook> books;
  for (const char* stream : {"depth.SOL_USDC", "depth.200ms.SOL_USDC", "depth.600ms.SOL_USDC",
                             "depth.1000ms.SOL_USDC"}) {
    books.emplace(stream, snapshot());
  }
  int compared = 0;
  run.advance(100'000, [&](const Frame& frame) {
    const auto book = books.find(frame.stream);
    if (book == books.end()) return;
    ASSERT_TRUE(book->second.apply(nlohmann::json::parse(frame.data))) << frame.stream;
    // An aggregated frame speaks of the book as it is while the frame is made.
    if (book->second.update_id() % 97 != 0) return;
    ASSERT_EQ(book->second, snapshot()) << frame.stream;
    ++compared;
  });
  EXPECT_GT(compared, 500);
}

TEST_P(MarketBookTest, ASnapshotTakenAtAnyTimeIsContinuedByTheRealTimeStream) {
  run.advance(1'234, [](const Frame&) {});
  RebuiltBook book = snapshot();
  run.advance(20'000, [&](const Frame& frame) {
    if (frame.stream != "depth.SOL_USDC") return;
    ASSERT_TRUE(book.apply(nlohmann::json::parse(frame.data)));
  });
  EXPECT_EQ(book, snapshot());
}

TEST_P(MarketBookTest, TheBookTickerIsTheTopOfTheRebuiltBookAndComesOnlyWhenItChanges) {
  RebuiltBook book = snapshot();
  auto top = [&] { return std::tuple(*book.bids().rbegin(), *book.asks().begin()); };
  int changes = 0;
  run.advance(
      100'000,
      [&](const std::vector<Frame>& frames) {
        const auto before = top();
        nlohmann::json ticker;
        for (const Frame& frame : frames) {
          if (frame.stream == "depth.SOL_USDC") book.apply(nlohmann::json::parse(frame.data));
          if (frame.stream == "bookTicker.SOL_USDC") ticker = nlohmann::json::parse(frame.data);
        }
        ASSERT_EQ(before != top(), !ticker.is_null());
        if (ticker.is_null()) return;
        const auto [bid, ask] = top();
        ASSERT_EQ(units(ticker["b"]), bid.first);
        ASSERT_EQ(units(ticker["B"]), bid.second);
        ASSERT_EQ(units(ticker["a"]), ask.first);
        ASSERT_EQ(units(ticker["A"]), ask.second);
        ASSERT_EQ(ticker["u"], book.update_id());
        ++changes;
      },
      [](const std::vector<Frame>&) {});
  EXPECT_GT(changes, 5'000);
}

TEST_P(MarketBookTest, AggregatedStreamsSpeakOnceAPeriodAtMost) {
  std::map<std::string, std::int64_t> last_period;
  run.advance(20'000, [&](const Frame& frame) {
    for (const std::int64_t ms : {200, 600, 1'000}) {
      if (frame.stream != "depth." + std::to_string(ms) + "ms.SOL_USDC") continue;
      const auto period = nlohmann::json::parse(frame.data)["E"].get<std::int64_t>() / (ms * 1'000);
      ASSERT_GT(period, last_period[frame.stream]);
      last_period[frame.stream] = period;
    }
  });
  EXPECT_EQ(last_period.size(), 3U);
}

TEST_P(MarketBookTest, AnAggregatedFrameForgetsNothingOfACrowdedPeriod) {
  Market market({GetParam(), {kSymbol}, MarketRun::kStart});
  std::vector<Frame> frames;
  market.tick(MarketRun::kStart, frames);
  RebuiltBook book(*market.depth_json(kSymbol, MarketRun::kStart));
  for (int i = 0; i < 100'000; ++i) market.trade_or_quote(MarketRun::kStart + i, frames);
  frames.clear();
  const std::int64_t next_period = MarketRun::kStart + 200'000;
  market.tick(next_period, frames);
  ASSERT_EQ(frames.front().stream, "depth.200ms.SOL_USDC");
  EXPECT_TRUE(book.apply(nlohmann::json::parse(frames.front().data)));
  EXPECT_EQ(book, RebuiltBook(*market.depth_json(kSymbol, next_period)));
}

INSTANTIATE_TEST_SUITE_P(Seeds, MarketBookTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace bpx::exchange
