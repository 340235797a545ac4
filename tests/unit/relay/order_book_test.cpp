#include "bridge/relay/order_book.hpp"

#include "tests/support/depth.hpp"

#include <gtest/gtest.h>
#include <time.h>

#include <chrono>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {
namespace {

using test::depth_snapshot;
using test::depth_update;

std::string json(const OrderBook& book) {
  std::string text;
  book.append_json(text, 7, 1'788'367'430'323'775);
  return text;
}

/// What json() says where the levels are these.
std::string levels(const std::string& asks, const std::string& bids) {
  return R"({"asks":)" + asks + R"(,"bids":)" + bids +
         R"(,"lastUpdateId":"7","timestamp":1788367430323775})";
}

TEST(OrderBook, IsWrittenLikeTheExchangesRestDepth) {
  OrderBook book;
  EXPECT_EQ(json(book), levels("[]", "[]"));
  book.apply(depth_update(1, 1, {{"98.98", "2.00"}, {"98.97", "39.70"}},
                          {{"98.96", "288.77"}, {"98.95", "1"}}));
  EXPECT_EQ(json(book), levels(R"([["98.97","39.70"],["98.98","2.00"]])",
                               R"([["98.95","1"],["98.96","288.77"]])"));
  EXPECT_EQ(book.size(), 4U);
}

TEST(OrderBook, ReplacesQuantitiesAndRemovesWhatBecomesZeroInAnySpelling) {
  OrderBook book;
  book.apply(depth_update(1, 1, {{"1", "1"}, {"2", "1"}, {"3", "1"}, {"4", "1"}}));
  book.apply(depth_update(2, 2, {{"1", "0"}, {"2", "0.00"}, {"3", "000.0"}, {"4", "0.001"}}));
  EXPECT_EQ(json(book), levels(R"([["4","0.001"]])", "[]"));
  book.apply(depth_update(3, 3, {{"9", "0.00"}}));
  EXPECT_EQ(book.size(), 1U) << "what is not there cannot be removed";
}

TEST(OrderBook, HasRoomForSoManyLevelsASideAndNoMore) {
  OrderBook book;
  for (std::size_t i = 1; i <= OrderBook::kMaxLevels; ++i) {
    const auto price = std::to_string(i);
    ASSERT_TRUE(book.apply(depth_update(i, i, {}, {{price, "1"}})));
  }
  EXPECT_TRUE(book.apply(depth_update(1, 1, {{"99999", "1"}}, {{"7", "2"}, {"8", "0"}})));
  EXPECT_EQ(book.size(), OrderBook::kMaxLevels) << "a bid less, an ask more";
  EXPECT_TRUE(book.apply(depth_update(1, 1, {}, {{"0.5", "1"}})));
  EXPECT_FALSE(book.apply(depth_update(1, 1, {}, {{"0.6", "1"}})));
  EXPECT_FALSE(book.is_too_large());
}

/// Processor time of this thread, whatever else the machine does.
std::chrono::nanoseconds spent() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

/// Whether the books' changes come one by one or by the million, messages wait for them.
TEST(OrderBook, TakesNoLongerForTheWorstPriceThanForAnyOther) {
  OrderBook book;
  for (std::size_t i = 1; i < OrderBook::kMaxLevels; ++i) {
    const auto price = std::to_string(i);
    ASSERT_TRUE(book.apply(depth_update(1, 1, {{price, "1"}}, {{price, "1"}})));
  }
  const auto cost = [&](std::string_view ask, std::string_view bid) {
    const auto there = depth_update(1, 1, {{ask, "1"}}, {{bid, "1"}});
    const auto gone = depth_update(1, 1, {{ask, "0"}}, {{bid, "0"}});
    const auto begin = spent();
    for (int i = 0; i < 2'000; ++i) EXPECT_TRUE(book.apply(there) && book.apply(gone));
    return spent() - begin;
  };
  const auto of_the_best = cost("0.5", "99999");
  // To pass over all prices would take thousands of times as long.
  EXPECT_LT(cost("99999", "0.5"), 50 * of_the_best);
  EXPECT_EQ(book.size(), 2 * (OrderBook::kMaxLevels - 1));
}

TEST(OrderBook, KnowsOfASnapshotThatItIsTooLarge) {
  std::vector<std::string> prices;
  for (std::size_t i = 0; i <= OrderBook::kMaxLevels; ++i) prices.push_back(std::to_string(i + 1));
  auto depth = depth_snapshot(1);
  for (const auto& price : prices) depth.asks.push_back({.price = price, .quantity = "1"});
  EXPECT_TRUE(OrderBook(depth).is_too_large());
  depth.asks.pop_back();
  EXPECT_FALSE(OrderBook(depth).is_too_large());
}

TEST(OrderBook, TakesOverNoMoreOfASnapshotThanShowsThatItIsTooLarge) {
  std::vector<std::string> prices;
  for (std::size_t i = 0; i < 3 * OrderBook::kMaxLevels; ++i)
    prices.push_back(std::to_string(i + 1));
  auto depth = depth_snapshot(1);
  for (const auto& price : prices) depth.bids.push_back({.price = price, .quantity = "1"});
  const OrderBook book(depth);
  EXPECT_TRUE(book.is_too_large());
  EXPECT_EQ(book.size(), OrderBook::kMaxLevels + 1);
}

TEST(OrderBook, KnowsAPriceByItsValueAndKeepsTheTextsLastReceived) {
  OrderBook book;
  book.apply(depth_update(1, 1, {}, {{"98.9", "1"}}));
  book.apply(depth_update(2, 2, {}, {{"98.90", "1.50"}}));
  EXPECT_EQ(json(book), levels("[]", R"([["98.90","1.50"]])"));
  book.apply(depth_update(3, 3, {}, {{"098.900", "0.0"}}));
  EXPECT_EQ(book.size(), 0U);
}

TEST(OrderBook, IsExactUpToTheHorizonOfASideThatIsCutAndSilentBeyond) {
  OrderBook book(depth_snapshot(1, {{"3", "1"}, {"1", "1"}, {"2.0", "1"}}, {{"0.5", "1"}}));
  book.cut_at(4);
  book.apply(depth_update(2, 2, {{"3.5", "1"}}));
  EXPECT_EQ(book.size(), 5U) << "this is no cut";
  book.cut_at(4);
  book.apply(depth_update(3, 3, {{"3.50", "2"}, {"3.51", "7"}, {"2", "0"}, {"0.1", "4"}},
                          {{"0.1", "4"}, {"3.51", "7"}}));
  EXPECT_EQ(json(book), R"({"asks":[["0.1","4"],["1","1"],["3","1"],["3.50","2"]],)"
                        R"("bids":[["0.1","4"],["0.5","1"],["3.51","7"]],"lastUpdateId":"7",)"
                        R"("timestamp":1788367430323775,"horizon":{"asks":"3.5"}})");
  book.cut_at(3);
  book.apply(depth_update(4, 4, {{"3.50", "0"}, {"3.2", "1"}}, {{"0.05", "1"}}));
  EXPECT_EQ(json(book), R"({"asks":[["0.1","4"],["1","1"],["3","1"],["3.2","1"]],)"
                        R"("bids":[["0.1","4"],["0.5","1"],["3.51","7"]],"lastUpdateId":"7",)"
                        R"("timestamp":1788367430323775,"horizon":{"asks":"3.50","bids":"0.1"}})");
  book.clear();
  book.apply(depth_update(5, 5, {{"9", "1"}}, {{"0.01", "1"}}));
  EXPECT_EQ(json(book), levels(R"([["9","1"]])", R"([["0.01","1"]])"));
}

TEST(OrderBook, TakesOverAHorizonWithALevelOrWithout) {
  auto depth = depth_snapshot(1, {{"1", "1"}}, {});
  depth.bid_horizon = "0.50";
  OrderBook book(depth);
  book.apply(depth_update(2, 2, {{"9", "1"}}, {{"0.5", "1"}, {"0.4999", "1"}}));
  EXPECT_EQ(json(book), R"({"asks":[["1","1"],["9","1"]],"bids":[["0.5","1"]],"lastUpdateId":"7",)"
                        R"("timestamp":1788367430323775,"horizon":{"bids":"0.50"}})");
}

TEST(OrderBook, RunsShortOnASideThatIsCutAlone) {
  OrderBook book(depth_snapshot(1, {{"1", "1"}, {"2", "1"}}, {{"0.5", "1"}}));
  EXPECT_FALSE(book.runs_short(100));
  book.cut_at(2);
  EXPECT_FALSE(book.runs_short(2));
  EXPECT_TRUE(book.runs_short(3));
  book.apply(depth_update(2, 2, {{"1", "0"}}));
  EXPECT_TRUE(book.runs_short(2));
  book.clear();
  EXPECT_FALSE(book.runs_short(2));
}

TEST(OrderBook, OrdersByValueNotByText) {
  OrderBook book;
  book.apply(depth_update(
      1, 1, {{"100", "1"}, {"9.5", "1"}, {"99.00000000000000000000000000001", "1"}, {"99", "1"}}));
  EXPECT_EQ(
      json(book),
      levels(R"([["9.5","1"],["99","1"],["99.00000000000000000000000000001","1"],["100","1"]])",
             "[]"));
}

TEST(OrderBook, TakesOverASnapshotInWhateverOrder) {
  const OrderBook book(depth_snapshot(5, {{"3", "1"}, {"1", "1"}, {"2", "1"}, {"4", "0.00"}},
                                      {{"0.3", "1"}, {"0.5", "1"}, {"0.4", "1"}}));
  EXPECT_EQ(json(book), levels(R"([["1","1"],["2","1"],["3","1"]])",
                               R"([["0.3","1"],["0.4","1"],["0.5","1"]])"));
}

TEST(OrderBook, TakesTheLastOfAPriceThatASnapshotTellsTwice) {
  const OrderBook book(
      depth_snapshot(5, {{"1.0", "1"}, {"2", "1"}, {"1", "3"}}, {{"0.5", "1"}, {"0.50", "0"}}));
  EXPECT_EQ(json(book), levels(R"([["1","3"],["2","1"]])", "[]"));
}

TEST(OrderBook, AgreesWithAPlainMapAfterManyChanges) {
  std::mt19937 random(1);
  OrderBook book;
  std::map<int, std::string> asks;
  for (int i = 0; i < 20'000; ++i) {
    const int ticks = static_cast<int>(random() % 300);
    const auto price = std::to_string(ticks / 10) + '.' + std::to_string(ticks % 10);
    const auto quantity = std::to_string(random() % 4);
    book.apply(depth_update(1, 1, {{price, quantity}}));
    if (quantity == "0")
      asks.erase(ticks);
    else
      asks[ticks] = R"([")" + price + R"(",")" + quantity + R"("])";
  }
  std::string expected;
  for (const auto& [ticks, level] : asks) expected += (expected.empty() ? "" : ",") + level;
  EXPECT_EQ(json(book), levels('[' + expected + ']', "[]"));
}

}  // namespace
}  // namespace bpx::bridge
