#include "bridge/app.hpp"
#include "tests/exchange/simulated_exchange.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/market_messages.hpp"
#include "tests/support/running_bridge.hpp"
#include "tests/support/subscriber.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace bpx {
namespace {

constexpr int kAtOnce = 100;  // messages: fewer than a consumer's queue ever holds

/// A whole bridge on a thread whose allocations are counted.
class CountedBridge {
 public:
  explicit CountedBridge(const bridge::Config& config)
      : app_(config, std::nullopt, {}, {.log_sink = [](bridge::LogLevel, std::string_view) {}}),
        thread_([this] {
          count_.set_value(&test::count_of_this_thread());
          app_.run(/*handles_signals=*/false);
        }) {}

  ~CountedBridge() {
    app_.stop();
    thread_.join();
  }

  std::string endpoint() const { return app_.public_endpoints().front(); }
  const std::atomic<std::size_t>& count() { return *count_.get_future().get(); }

 private:
  std::promise<const std::atomic<std::size_t>*> count_;
  bridge::App app_;
  std::thread thread_;
};

/// Whether messages come compressed.
class BridgeAllocation : public testing::TestWithParam<bool> {};

/// From the socket to libzmq: TLS, frames, inflating, the session and all behind it. What the
/// libraries written in C take by malloc() is not counted.
TEST_P(BridgeAllocation, IsNoneOnceWarm) {
  exchange::SimulatedExchange exchange(exchange::ExchangeOptions{});
  const test::TemporaryDirectory directory;
  test::MarketMessages market(/*symbols=*/4, /*ticks=*/400);
  auto config = test::test_config(exchange, directory, market.streams());
  config.upstream.compression = GetParam();
  config.publish.heartbeat_ms = 3'600'000;  // what is said once in a while may be allocated
  config.publish.replay_bytes = 1U << 20U;
  CountedBridge bridge(config);
  const auto& allocations = bridge.count();
  ASSERT_TRUE(exchange.wait_for_subscriptions(market.streams().size()));
  ASSERT_EQ(exchange.deflate_negotiated(), GetParam());
  test::Subscriber consumer(bridge.endpoint(), market.streams());
  do exchange.send_raw(std::string(market.next()));
  while (!consumer.receive(std::chrono::milliseconds(10)));
  const auto relay = [&](int messages) {
    for (int said = 0; said < messages; said += kAtOnce) {
      for (int i = 0; i < kAtOnce; ++i) exchange.send_raw(std::string(market.next()));
      for (int i = 0; i < kAtOnce; ++i) ASSERT_TRUE(consumer.receive());
    }
  };
  relay(20'000);
  const auto before = allocations.load();
  relay(20'000);
  EXPECT_EQ(allocations.load(), before);
  EXPECT_GT(before, 0U) << "nothing is counted";
}

INSTANTIATE_TEST_SUITE_P(OfMessages, BridgeAllocation, testing::Values(false, true),
                         [](const auto& is) { return is.param ? "Compressed" : "Plain"; });

}  // namespace
}  // namespace bpx
