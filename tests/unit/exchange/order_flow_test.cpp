#include "tests/exchange/order_flow.hpp"

#include "tests/exchange/market.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace bpx::exchange {
namespace {

class OrderFlowTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  Random random{GetParam()};
  OrderIds order_ids;
  Instrument instrument = make_instrument(0, "SOL_USDC", random);
  OrderFlow flow{instrument, random, order_ids, MarketOptions{}.levels};
  EngineEvent event;

  void step() { flow.step(random, order_ids, event); }
};

TEST_P(OrderFlowTest, KeepsTheBookHealthyForAMillionSteps) {
  for (int i = 0; i < 1'000'000; ++i) {
    step();
    const OrderBook& book = flow.book();
    ASSERT_LT(book.best(Side::bid).price, book.best(Side::ask).price);
    for (const Side side : kSides) {
      // A step may take the last spare level; the next one puts it back.
      ASSERT_GE(book.levels(side).size(), OrderFlow::kFewestLevels - 1);
      ASSERT_LE(book.levels(side).size(), flow.most_levels());
    }
    ASSERT_GT(book.levels(Side::bid).front().price, 0);
    ASSERT_LT(book.best(Side::ask).price, 2 * instrument.anchor);
  }
}

TEST_P(OrderFlowTest, LetsThePriceOfADeepBookMoveFarBeyondItsThousandthPrice) {
  OrderFlow deep(instrument, random, order_ids, 2'000);
  const auto& book = deep.book();
  const auto thousandth = [&](Side side) { return *(book.levels(side).rbegin() + 999); };
  const auto ask = thousandth(Side::ask).price;
  const auto bid = thousandth(Side::bid).price;
  bool has_risen = false;
  bool has_fallen = false;
  for (int i = 0; i < 100'000; ++i) {
    deep.step(random, order_ids, event);
    for (const Side side : kSides) ASSERT_LE(book.levels(side).size(), deep.most_levels());
    ASSERT_GT(book.levels(Side::bid).front().price, 0);
    has_risen |= book.best(Side::ask).price > ask + 500;
    has_fallen |= book.best(Side::bid).price < bid - 500;
  }
  EXPECT_TRUE(has_risen);
  EXPECT_TRUE(has_fallen);
}

TEST_P(OrderFlowTest, StaysLiquid) {
  std::int64_t spreads = 0;
  constexpr int kSteps = 100'000;
  for (int i = 0; i < kSteps; ++i) {
    step();
    spreads += flow.book().best(Side::ask).price - flow.book().best(Side::bid).price;
  }
  EXPECT_LT(spreads / kSteps, 10);
}

TEST_P(OrderFlowTest, SweepsManyLevelsNowAndThen) {
  std::size_t longest = 0;
  for (int i = 0; i < 100'000; ++i) {
    step();
    longest = std::max(longest, event.trades.size());
  }
  EXPECT_GT(longest, 20U);
}

TEST_P(OrderFlowTest, TradesAtTheTopAndTakesWhatWasTradedOutOfTheBook) {
  for (int i = 0; i < 100'000; ++i) {
    const OrderBook before = flow.book();
    step();
    for (const Trade& trade : event.trades) {
      const Side side = opposite(trade.taker_side);
      const Level* old_level = before.find(side, trade.price);
      ASSERT_NE(old_level, nullptr);
      EXPECT_EQ(old_level->order, trade.maker);
      const Level* new_level = flow.book().find(side, trade.price);
      EXPECT_EQ(new_level == nullptr ? 0 : new_level->quantity,
                old_level->quantity - trade.quantity);
    }
    if (!event.trades.empty()) {
      const Trade& first = event.trades.front();
      EXPECT_EQ(first.price, before.best(opposite(first.taker_side)).price);
    }
  }
}

TEST_P(OrderFlowTest, GivesEachChangeOfALevelOneUpdateId) {
  for (int i = 0; i < 100'000; ++i) {
    const UpdateId before = flow.book().update_id();
    step();
    ASSERT_EQ(event.first_update, before + 1);
    ASSERT_EQ(event.last_update, before + static_cast<UpdateId>(event.changes.size()));
    ASSERT_EQ(event.last_update, flow.book().update_id());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, OrderFlowTest, testing::Values(1, 2, 3));

}  // namespace
}  // namespace bpx::exchange
