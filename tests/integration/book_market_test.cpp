#include "tests/support/http_client.hpp"
#include "tests/support/late_joiner.hpp"
#include "tests/support/running_bridge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <random>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::MarketOptions;
using exchange::SimulatedExchange;
namespace fault = exchange::fault;
using Clock = std::chrono::steady_clock;

constexpr auto kStream = "depth.SOL_USDC";
constexpr auto kAggregated = "depth.200ms.SOL_USDC";

/// So that a run can be made heavier than CTest's.
double setting(const char* name, double otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::stod(text) : otherwise;
}

/// A market that moves, and a bridge that keeps two of its books.
class BookMarketTest : public testing::Test {
 protected:
  BookMarketTest() {
    EXPECT_TRUE(exchange_.wait_for_subscriptions(config_.upstream.streams.size()));
  }

  static ExchangeOptions options() {
    ExchangeOptions options;
    options.tls = false;
    options.host_name = "127.0.0.1";
    options.market = MarketOptions{.symbols = {"SOL_USDC", "SOL_USDC_PERP"}};
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
  ReferenceBook rest() const {
    const auto answer = HttpClient::get("127.0.0.1:" + std::to_string(exchange_.port()),
                                        "/api/v1/depth?symbol=SOL_USDC");
    return ReferenceBook(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  void run_market(double per_second) { exchange_.apply(fault::Rate{per_second}); }
  /// Nothing happens any more, but what happened is still told.
  void halt_market() { exchange_.apply(fault::Rate{1e-6}); }

  /// Whether `joiner` comes to hold the true book of a market that stands still.
  void expect_true_book(LateJoiner& joiner, const std::string& whose) {
    const auto end = Clock::now() + kDeadline;
    for (;;) {
      if (joiner.step(50ms) && Clock::now() < end) continue;
      if (joiner.book() && joiner.book()->update_id() == rest().update_id()) break;
      ASSERT_LT(Clock::now(), end) << whose << " does not catch up\n" << bridge_.log();
    }
    EXPECT_EQ(joiner.book()->text(), rest().text()) << whose;
    EXPECT_EQ(joiner.holes(), 0U) << whose;
    EXPECT_EQ(joiner.breaks(), 0U) << whose;
  }

  /// The bridge's own book of a market that stands still.
  void expect_true_answer(const std::string& stream) {
    const auto end = Clock::now() + kDeadline;
    for (;;) {
      LateJoiner joiner(bridge_.public_endpoint(), stream);
      while (!joiner.book() && Clock::now() < end) joiner.step(50ms);
      ASSERT_TRUE(joiner.book()) << stream << " has no book\n" << bridge_.log();
      if (joiner.book()->update_id() == rest().update_id()) {
        EXPECT_EQ(joiner.book()->text(), rest().text()) << stream;
        return;
      }
      ASSERT_LT(Clock::now(), end) << stream << '\n' << bridge_.log();
    }
  }

  SimulatedExchange exchange_{options()};
  TemporaryDirectory directory_;
  bridge::Config config_ = config();
  RunningBridge bridge_{config_};
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

/// The full size is 200 joiners under 20,000 messages a second:
///     BPX_JOINERS=200 BPX_EVENTS_PER_SECOND=16000 BPX_MIN_RATE=20000
///       build/plain/tests/integration/integration_test --gtest_filter='*ManyJoiners*'
/// BPX_MIN_RATE is the number of messages a second below which the test fails. Whoever has followed
/// for long enough gives up the stream, but stays connected until the last one has.
/// Every book and every state that a joiner reaches is compared with the exchange's at the same
/// update, which follows from its REST depth before the market opens and all messages since.
TEST_F(BookMarketTest, GivesManyJoinersAtRandomMomentsARightBookAndNoHole) {
  const auto joins = static_cast<int>(setting("BPX_JOINERS", 24));
  const auto rate = setting("BPX_EVENTS_PER_SECOND", 1'500);
  constexpr int kThreads = 4;
  constexpr std::uint64_t kFollowed = 100;

  auto truth = rest();
  ReadySubscriber witness(bridge_.public_endpoint(), {kStream});
  const auto received = [&] {
    double sum = 0;
    for (const auto& stream : config_.upstream.streams)
      sum += bridge_.metric("received_messages_total{stream=\"" + stream + "\"}");
    return sum;
  };
  const auto start = Clock::now();
  run_market(rate);

  struct Joined {
    std::uint64_t update_id;
    std::string text;
  };
  std::mutex mutex;
  std::vector<Joined> seen;
  std::vector<std::string> failures;
  std::vector<std::unique_ptr<LateJoiner>> joined;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&, thread] {
      std::mt19937 random(static_cast<unsigned>(thread));
      for (int i = thread; i < joins; i += kThreads) {
        std::this_thread::sleep_for(std::chrono::milliseconds(random() % 40));
        auto joiner = std::make_unique<LateJoiner>(bridge_.public_endpoint(), kStream);
        const auto end = Clock::now() + kDeadline;
        std::optional<Joined> at_first;
        while (joiner->applied() < kFollowed && Clock::now() < end) {
          joiner->step(100ms);
          if (!at_first && joiner->book())
            at_first = {joiner->book()->update_id(), joiner->book()->text()};
        }
        joiner->rest();
        const std::lock_guard lock(mutex);
        if (!joiner->book() || !at_first || joiner->applied() < kFollowed)
          failures.push_back("joiner " + std::to_string(i) + " got no book or nothing after it");
        else if (joiner->gaps() + joiner->holes() + joiner->breaks() > 0)
          failures.push_back("joiner " + std::to_string(i) + " saw a hole");
        else
          seen.insert(seen.end(),
                      {*at_first, {joiner->book()->update_id(), joiner->book()->text()}});
        joined.push_back(std::move(joiner));
      }
    });
  for (auto& thread : threads) thread.join();
  const auto took = std::chrono::duration<double>(Clock::now() - start).count();
  const auto reached = received() / took;
  std::cout << joins << " joiners in " << took << " s, " << reached << " messages a second\n";
  halt_market();
  EXPECT_GE(reached, setting("BPX_MIN_RATE", 0));
  EXPECT_TRUE(bridge_.wait_for_metric(R"(subscribers{endpoint="public"})", joins + 1))
      << "the joiners, and who has seen everything";
  EXPECT_EQ(bridge_.metric(R"(slow_subscriber_episodes_total{endpoint="public"})"), 0);
  EXPECT_EQ(failures, std::vector<std::string>{});
  ASSERT_EQ(seen.size(), 2 * static_cast<std::size_t>(joins));

  std::ranges::sort(seen, {}, &Joined::update_id);
  auto next = seen.begin();
  for (;;) {
    for (; next != seen.end() && next->update_id == truth.update_id(); ++next)
      ASSERT_EQ(next->text, truth.text());
    if (next == seen.end()) break;
    const auto message = witness.next();
    ASSERT_TRUE(message);
    if (message->topic != kStream) continue;
    ASSERT_TRUE(truth.apply(message->payload));
    ASSERT_LE(truth.update_id(), next->update_id) << "no message ends at that update";
  }
}

}  // namespace
}  // namespace bpx::test
