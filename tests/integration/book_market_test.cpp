#include "bridge/relay/book_sync.hpp"
#include "tests/support/late_joiner.hpp"
#include "tests/support/running_bridge.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using bridge::BookSync;
using exchange::ExchangeOptions;
using exchange::MarketOptions;
using exchange::SimulatedExchange;
namespace fault = exchange::fault;
using Clock = std::chrono::steady_clock;

constexpr auto kStream = "depth.SOL_USDC";
constexpr auto kAggregated = "depth.200ms.SOL_USDC";

/// A market that moves, and a bridge that keeps two of its books.
class BookMarketTest : public testing::Test {
 protected:
  /// Its books open with so many prices a side.
  explicit BookMarketTest(std::size_t levels = MarketOptions{}.levels)
      : exchange_(options(levels)) {
    EXPECT_TRUE(exchange_.wait_for_subscriptions(config_.upstream.streams.size()));
  }

  static ExchangeOptions options(std::size_t levels) {
    ExchangeOptions options;
    options.tls = false;
    options.host_name = "127.0.0.1";
    options.market = MarketOptions{.symbols = {"SOL_USDC", "SOL_USDC_PERP"}, .levels = levels};
    return options;
  }

  bridge::Config config() {
    auto config = test_config(exchange_, directory_,
                              {kStream, kAggregated, "bookTicker.SOL_USDC", "trade.SOL_USDC",
                               "depth.SOL_USDC_PERP", "bookTicker.SOL_USDC_PERP"});
    config.publish.books = {kStream, kAggregated};
    return config;
  }

  /// The true book.
  ReferenceBook truth() const { return ReferenceBook(exchange_.whole_depth("SOL_USDC")); }

  void run_market(double per_second) { exchange_.apply(fault::Rate{per_second}); }
  /// Nothing happens any more, but what happened is still told.
  void halt_market() { exchange_.apply(fault::Rate{1e-6}); }

  /// Whether `joiner` comes to hold the true book of a market that stands still, up to its horizon.
  void expect_true_book(LateJoiner& joiner, const std::string& whose) {
    const auto end = Clock::now() + kDeadline;
    for (;;) {
      if (joiner.step(50ms) && Clock::now() < end) continue;
      if (joiner.book() && joiner.book()->update_id() == truth().update_id()) break;
      ASSERT_LT(Clock::now(), end) << whose << " does not catch up\n" << bridge_.log();
    }
    EXPECT_EQ(joiner.book()->text(), truth().as_far_as(*joiner.book()).text()) << whose;
    EXPECT_EQ(joiner.holes(), 0U) << whose;
    EXPECT_EQ(joiner.breaks(), 0U) << whose;
  }

  /// Whether the bridge's own book of a market that stands still is the true one, up to its
  /// horizon.
  void expect_true_answer(const std::string& stream) {
    const auto end = Clock::now() + kDeadline;
    for (;;) {
      LateJoiner joiner(bridge_.public_endpoint(), stream);
      while (!joiner.book() && Clock::now() < end) joiner.step(50ms);
      ASSERT_TRUE(joiner.book()) << stream << " has no book\n" << bridge_.log();
      if (joiner.book()->update_id() == truth().update_id()) {
        answer_ = *joiner.book();
        EXPECT_EQ(answer_.text(), truth().as_far_as(answer_).text()) << stream;
        return;
      }
      ASSERT_LT(Clock::now(), end) << stream << '\n' << bridge_.log();
    }
  }

  SimulatedExchange exchange_;
  TemporaryDirectory directory_;
  bridge::Config config_ = config();
  RunningBridge bridge_{config_};
  ReferenceBook answer_;  ///< the bridge's last
};

/// In which REST tells half of a side.
class DeepBookTest : public BookMarketTest {
 protected:
  DeepBookTest() : BookMarketTest(2'000) {}
};

TEST_F(BookMarketTest, GivesWhoeverJoinsAtAnyTimeTheTrueBookToTheDigit) {
  run_market(3'000);
  std::mt19937 random(1);
  std::vector<std::unique_ptr<LateJoiner>> joiners;
  for (int i = 0; i < 12; ++i) {
    const auto* stream = i % 3 == 2 ? kAggregated : kStream;
    joiners.push_back(std::make_unique<LateJoiner>(bridge_.public_endpoint(), stream));
    const auto until = Clock::now() + std::chrono::milliseconds(random() % 200);
    while (Clock::now() < until)
      for (auto& joiner : joiners) joiner->step(1ms);
  }
  halt_market();
  for (std::size_t i = 0; i < joiners.size(); ++i) {
    expect_true_book(*joiners[i], "joiner " + std::to_string(i));
    EXPECT_EQ(joiners[i]->gaps(), 0U) << "joiner " << i;
  }
}

TEST_F(BookMarketTest, HoldsTheTrueBookThroughEverythingThatGoesWrong) {
  run_market(1'000);
  std::vector<std::unique_ptr<LateJoiner>> joiners;
  const auto join = [&](const char* stream) {
    joiners.push_back(std::make_unique<LateJoiner>(bridge_.public_endpoint(), stream));
  };
  join(kStream);
  join(kAggregated);
  const auto live_for = [&](std::chrono::milliseconds time) {
    const auto until = Clock::now() + time;
    while (Clock::now() < until)
      for (auto& joiner : joiners) joiner->step(1ms);
  };
  const auto heal = [&] { exchange_.apply(fault::Heal{}); };
  std::uint64_t connections = 1;
  const auto end_connection = [&](const exchange::Fault& fault) {
    ASSERT_TRUE(exchange_.wait_for_connections(connections)) << bridge_.log();
    exchange_.apply(fault);
    ++connections;
  };
  std::mt19937 random(2);
  for (int round = 0; round < 12; ++round) {
    live_for(std::chrono::milliseconds(50 + random() % 200));
    join(random() % 3 == 0 ? kAggregated : kStream);
    live_for(std::chrono::milliseconds(random() % 50));
    switch (round % 6) {
      case 0: exchange_.apply(fault::SkipIds{.count = 1 + random() % 3, .stream = kStream}); break;
      case 1: end_connection(fault::Drop{.reset = random() % 2 == 0}); break;
      case 2: exchange_.apply(fault::Repeat{.count = 2, .stream = kStream}); break;
      case 3:
        exchange_.script_depth("SOL_USDC", "garbage");
        exchange_.apply(fault::SkipIds{.count = 1, .stream = kStream});
        live_for(200ms);
        exchange_.script_depth("SOL_USDC", "");
        break;
      case 4:
        exchange_.apply(fault::SkipIds{.count = 1, .stream = kAggregated});
        exchange_.apply(fault::Refuse{});
        live_for(200ms);
        heal();
        break;
      default: end_connection(fault::Close{.code = 1012}); break;
    }
  }
  // What the last end of a connection cost shows with the next message.
  ASSERT_EQ(connections, 5U);
  ASSERT_TRUE(exchange_.wait_for_connections(connections)) << bridge_.log();
  for (const auto* stream : {kStream, kAggregated})
    ASSERT_TRUE(bridge_.wait_for_metric("book_in_sync{stream=\"" + std::string(stream) + "\"}", 1))
        << bridge_.log();
  halt_market();
  expect_true_answer(kStream);
  expect_true_answer(kAggregated);
  for (std::size_t i = 0; i < joiners.size(); ++i)
    expect_true_book(*joiners[i], "joiner " + std::to_string(i));
  EXPECT_GT(bridge_.metric(R"(book_resyncs_total{stream="depth.SOL_USDC"})"), 0);
}

TEST_F(DeepBookTest, IsTrueUpToItsHorizonHoweverFarThePriceMovesFromWhereItBegan) {
  LateJoiner joiner(bridge_.public_endpoint(), kStream);
  const auto live_for = [&](std::chrono::milliseconds time) {
    const auto until = Clock::now() + time;
    while (Clock::now() < until) joiner.step(1ms);
  };
  const auto compare = [&] {
    halt_market();
    expect_true_answer(kStream);
    expect_true_book(joiner, "who joined first");
    run_market(10'000);
  };
  run_market(10'000);
  live_for(50ms);
  compare();
  const auto known = answer_;
  // So many changes, however long the machine takes for them.
  const auto end = known.update_id() + 5'000'000;
  while (!truth().is_beyond(known)) {
    ASSERT_LT(truth().update_id(), end) << "the price stays within what is known";
    live_for(20ms);
  }
  do {
    ASSERT_LT(truth().update_id(), end) << "no other snapshot is joined\n" << bridge_.log();
    compare();
    live_for(50ms);
  } while (answer_.runs_short(BookSync::kFewestLevels) || !answer_.is_beyond(known));
  EXPECT_EQ(bridge_.metric(R"(book_resyncs_total{stream="depth.SOL_USDC"})"), 0);
  EXPECT_EQ(bridge_.metric(R"(book_in_sync{stream="depth.SOL_USDC"})"), 1);
}

}  // namespace
}  // namespace bpx::test
