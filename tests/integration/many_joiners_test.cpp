#include "tests/support/http_client.hpp"
#include "tests/support/late_joiner.hpp"
#include "tests/support/running_bridge.hpp"
#include "tests/support/sanitized.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::MarketOptions;
using exchange::SimulatedExchange;
using Clock = std::chrono::steady_clock;

struct Size {
  std::size_t joiners;
  std::size_t symbols;
  double events_per_second;  ///< of the exchange's engine, each of which makes a message or two
  double least_rate;         ///< messages a second of the bridge; fewer: it was no test
  std::chrono::milliseconds spread;  ///< from a thread's joiner to its next, at most
};

/// The full size:
///     BPX_HEAVY=1 build/plain/tests/integration/integration_test --gtest_filter='*ManyJoiners*'
Size size() {
  const char* const heavy = std::getenv("BPX_HEAVY");
  if (heavy != nullptr && std::string_view(heavy) == "1")
    return {.joiners = 200,
            .symbols = 40,
            .events_per_second = 16'000,
            .least_rate = 20'000,
            .spread = 160ms};
  return {.joiners = kIsSanitized ? 6 : 16,
          .symbols = 2,
          .events_per_second = kIsSanitized ? 500 : 1'500,
          .least_rate = 0,
          .spread = 40ms};
}

std::string symbol(std::size_t number) { return "S" + std::to_string(number) + "_USDC"; }
std::string depth(std::size_t number) { return "depth." + symbol(number); }

/// A book that was held, of a stream.
struct Held {
  std::uint64_t update_id;
  std::string text;
};

/// Joiners of one thread: they come at random moments, and all of them stay until everyone, of
/// other threads too, has followed for long enough.
class Group {
 public:
  static constexpr std::uint64_t kLongEnough = 100;  ///< messages after the book

  void follow(std::string endpoint, std::vector<std::size_t> numbers, const Size& size,
              std::atomic<std::size_t>& have_followed) {
    std::mt19937 random(static_cast<unsigned>(numbers.front()));
    std::size_t followed = 0;
    const auto end = Clock::now() + kDeadline;
    auto next = Clock::now();
    while (have_followed < size.joiners && Clock::now() < end) {
      if (joiners.size() < numbers.size() && Clock::now() >= next) {
        const auto number = numbers[joiners.size()] % size.symbols;
        joiners.push_back({.number = number, .follows = {endpoint, depth(number)}});
        next = Clock::now() +
               std::chrono::milliseconds(random() % static_cast<unsigned>(size.spread.count()));
      }
      bool has_come = false;
      std::size_t now_followed = 0;
      for (auto& joiner : joiners) {
        has_come |= joiner.follows.step(0ms);
        if (const auto& book = joiner.follows.book(); book && !joiner.first)
          joiner.first = {book->update_id(), book->text()};
        if (joiner.follows.applied() >= kLongEnough) ++now_followed;
      }
      have_followed += now_followed - std::exchange(followed, now_followed);
      if (!has_come) std::this_thread::sleep_for(5ms);
    }
  }

  struct Joiner {
    std::size_t number;  ///< of its symbol
    LateJoiner follows;
    std::optional<Held> first{};
  };
  std::deque<Joiner> joiners;
};

/// Many symbols, of which each joiner follows one, as consumers do.
class ManyJoinersTest : public testing::Test {
 protected:
  ManyJoinersTest() {
    EXPECT_TRUE(exchange_.wait_for_subscriptions(config_.upstream.streams.size()));
  }

  ExchangeOptions options() const {
    ExchangeOptions options;
    options.tls = false;
    options.host_name = "127.0.0.1";
    options.market.emplace();
    options.market->symbols.clear();
    for (std::size_t i = 0; i < size_.symbols; ++i) options.market->symbols.push_back(symbol(i));
    return options;
  }

  bridge::Config config() const {
    std::vector<std::string> streams;
    for (std::size_t i = 0; i < size_.symbols; ++i)
      for (const auto& stream : {depth(i), "bookTicker." + symbol(i), "trade." + symbol(i)})
        streams.push_back(stream);
    auto config = test_config(exchange_, directory_, streams);
    for (std::size_t i = 0; i < size_.symbols; ++i) config.publish.books.push_back(depth(i));
    return config;
  }

  std::vector<std::string> depths() const { return config_.publish.books; }

  ReferenceBook rest(std::size_t number) const {
    const auto answer = HttpClient::get("127.0.0.1:" + std::to_string(exchange_.port()),
                                        "/api/v1/depth?symbol=" + symbol(number));
    return ReferenceBook(answer.substr(answer.find("\r\n\r\n") + 4));
  }

  void run_market(double per_second) { exchange_.apply(exchange::fault::Rate{per_second}); }
  /// Nothing happens any more, but what happened is still told.
  void halt_market() { run_market(1e-6); }

  double published() { return bridge_.metric(R"(published_messages_total{endpoint="public"})"); }

  Size size_ = size();
  SimulatedExchange exchange_{options()};
  TemporaryDirectory directory_;
  bridge::Config config_ = config();
  RunningBridge bridge_{config_};
};

/// The first book of each is compared with the exchange's at the same update, which follows from
/// its REST depth before the market opens and all messages since; its last with the exchange's REST
/// depth once the market stands still.
TEST_F(ManyJoinersTest, EachGetARightBookAndNoHoleWhileAllOfThemFollow) {
  constexpr std::size_t kThreads = 4;
  std::vector<ReferenceBook> truths;
  for (std::size_t i = 0; i < size_.symbols; ++i) truths.push_back(rest(i));
  ReadySubscriber witness(bridge_.public_endpoint(), depths());
  run_market(size_.events_per_second);
  const auto before = published();
  const auto start = Clock::now();

  std::array<Group, kThreads> groups;
  std::atomic<std::size_t> have_followed = 0;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < kThreads; ++thread) {
    std::vector<std::size_t> numbers;
    for (auto i = thread; i < size_.joiners; i += kThreads) numbers.push_back(i);
    threads.emplace_back([&, thread, numbers] {
      groups.at(thread).follow(bridge_.public_endpoint(), numbers, size_, have_followed);
    });
  }
  for (auto& thread : threads) thread.join();
  const auto took = std::chrono::duration<double>(Clock::now() - start).count();
  const auto rate = (published() - before) / took;
  std::cout << size_.joiners << " joiners in " << took << " s, " << rate << " messages a second\n";
  EXPECT_GE(rate, size_.least_rate);
  ASSERT_EQ(have_followed, size_.joiners) << "the others got no book, or nothing after it";
  halt_market();

  std::vector<std::vector<Held>> first(size_.symbols);
  for (auto& group : groups)
    for (auto& [number, joiner, at_first] : group.joiners) {
      const auto truth = rest(number);
      const auto end = Clock::now() + kDeadline;
      const auto is_there = [&, &joiner = joiner] {
        return joiner.book() && joiner.book()->update_id() == truth.update_id();
      };
      while (!is_there() && Clock::now() < end) joiner.step(10ms);
      EXPECT_EQ(joiner.gaps() + joiner.holes() + joiner.breaks(), 0U) << symbol(number);
      ASSERT_TRUE(is_there()) << symbol(number);
      EXPECT_EQ(joiner.book()->text(), truth.text()) << symbol(number);
      first[number].push_back(at_first.value());
    }
  EXPECT_TRUE(bridge_.wait_for_metric(R"(subscribers{endpoint="public"})",
                                      static_cast<double>(size_.joiners) + 1))
      << "the joiners, and who has seen everything";
  EXPECT_EQ(bridge_.metric(R"(slow_subscriber_episodes_total{endpoint="public"})"), 0);

  std::map<std::string, std::size_t> numbers;
  std::size_t left = 0;
  for (std::size_t i = 0; i < size_.symbols; ++i) {
    std::ranges::sort(first[i], std::ranges::greater{}, &Held::update_id);
    numbers[depth(i)] = i;
    left += first[i].size();
  }
  const auto compare = [&](std::size_t number) {
    auto& held = first[number];
    for (; !held.empty() && held.back().update_id == truths[number].update_id(); --left) {
      EXPECT_EQ(held.back().text, truths[number].text()) << symbol(number);
      held.pop_back();
    }
  };
  for (std::size_t i = 0; i < size_.symbols; ++i) compare(i);
  while (left > 0) {
    const auto message = witness.next();
    ASSERT_TRUE(message) << left << " were held at no update that was told";
    const auto number = numbers.find(message->topic);
    if (number == numbers.end()) continue;
    ASSERT_TRUE(truths[number->second].apply(message->payload));
    compare(number->second);
  }
}

}  // namespace
}  // namespace bpx::test
