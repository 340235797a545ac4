#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <string>
#include <vector>

namespace bpx::exchange {
namespace {

using nlohmann::json;

std::vector<std::string> receive(ExchangeClient& client, std::size_t count) {
  std::vector<std::string> messages;
  while (messages.size() < count) {
    auto message = client.receive();
    if (!message) break;
    messages.push_back(std::move(*message));
  }
  return messages;
}

TEST(MarketOnTheWire, RunsByItselfAndItsDepthHasNoHoles) {
  SimulatedExchange exchange({.market = MarketOptions{}, .rate = 2000});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"depth.SOL_USDC"}));
  const auto messages = receive(client, 200);
  ASSERT_EQ(messages.size(), 200U);
  std::int64_t last = json::parse(messages[0])["data"]["u"];
  for (std::size_t number = 1; number < messages.size(); ++number) {
    const auto data = json::parse(messages[number])["data"];
    ASSERT_EQ(data["U"], last + 1);
    last = data["u"];
  }
}

/// Every run of it says the same.
ExchangeOptions scripted_market() {
  return {.market = MarketOptions{.seed = 9, .start_us = 1'700'000'000'000'000}};
}

TEST(MarketOnTheWire, SaysTheSameForTheSameSeedStartAndRate) {
  std::vector<std::vector<std::string>> runs;
  for (int run = 0; run < 2; ++run) {
    SimulatedExchange exchange(scripted_market());
    ExchangeClient client(client_of(exchange));
    client.send(subscribe_request({"depth.SOL_USDC", "trade.SOL_USDC", "depth.200ms.BTC_USDC"}));
    ASSERT_TRUE(exchange.wait_for_subscriptions(3));
    exchange.apply(fault::Rate{.per_second = 2000});
    runs.push_back(receive(client, 300));
  }
  EXPECT_EQ(runs[0].size(), 300U);
  EXPECT_EQ(runs[0], runs[1]);
}

TEST(MarketOnTheWire, LeavesOutWhatAFaultSkips) {
  std::vector<std::vector<std::string>> runs;
  for (const std::size_t skipped : {0U, 3U}) {
    SimulatedExchange exchange(scripted_market());
    ExchangeClient client(client_of(exchange));
    client.send(subscribe_request({"depth.SOL_USDC"}));
    ASSERT_TRUE(exchange.wait_for_subscriptions(1));
    exchange.apply(fault::SkipIds{.count = skipped, .stream = "depth.SOL_USDC"});
    exchange.apply(fault::Rate{.per_second = 2000});
    runs.push_back(receive(client, 10));
  }
  ASSERT_EQ(runs[1].size(), 10U);
  EXPECT_EQ(runs[1][0], runs[0][3]);
}

TEST(MarketOnTheWire, GoesAsFastAsClientsReadWithoutCuttingThemOff) {
  SimulatedExchange exchange(
      {.market = MarketOptions{}, .rate = std::numeric_limits<double>::infinity()});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"depth.SOL_USDC", "bookTicker.SOL_USDC", "trade.SOL_USDC"}));
  EXPECT_EQ(receive(client, 20'000).size(), 20'000U);
  EXPECT_EQ(exchange.counters().slow_clients, 0U);
}

TEST(MarketOnTheWire, KnowsItsStreamsAndNoOthers) {
  SimulatedExchange exchange({.unknown_streams = {"ticker.SOL_USDC"}, .market = MarketOptions{}});
  ExchangeClient client(client_of(exchange));
  for (const char* bad : {"trade.NO_SUCH", "nonsense", "ticker.SOL_USDC"}) {
    client.send(subscribe_request({bad}));
    EXPECT_EQ(client.receive(), R"({"id":null,"error":{"code":4006,"message":"Invalid stream"}})");
  }
  client.send(subscribe_request({"kline.1m.AAPL.US_USDC", "trade.SOL_USDC_PERP"}));
  EXPECT_TRUE(exchange.wait_for_subscriptions(2));
}

TEST(MarketOnTheWire, ShowsOpenPositionsFirst) {
  SimulatedExchange exchange({.market = MarketOptions{}, .rate = 5000});
  ExchangeClient trader(client_of(exchange));
  trader.send(signed_subscribe_request({"account.positionUpdate"}, now_ms()));
  ASSERT_TRUE(trader.receive());  // from now on there is a position
  ExchangeClient client(client_of(exchange));
  client.send(signed_subscribe_request({"account.positionUpdate"}, now_ms()));
  const auto first = client.receive();
  ASSERT_TRUE(first);
  EXPECT_FALSE(json::parse(*first)["data"].contains("e")) << *first;
}

TEST(MarketOnTheWire, AnswersRest) {
  SimulatedExchange exchange({.market = MarketOptions{}});
  const auto markets =
      json::parse(http_exchange(client_of(exchange), "GET", "/api/v1/markets").body);
  EXPECT_EQ(markets.size(), 4U);
  const auto depth = http_exchange(client_of(exchange), "GET", "/api/v1/depth?symbol=SOL_USDC");
  EXPECT_EQ(depth.status, 200U);
  EXPECT_TRUE(json::parse(depth.body)["lastUpdateId"].is_string());
}

}  // namespace
}  // namespace bpx::exchange
