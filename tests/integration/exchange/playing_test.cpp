#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"
#include "tests/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>

namespace bpx::exchange {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

constexpr const char* kFirst = R"({"data": {"t":1}, "stream":"trade.A"})";
constexpr const char* kLive = R"({"data":0,"stream":"trade.A"})";
constexpr const char* kSecond = R"({"stream":"trade.A","data":{}})";

/// A recording of three frames, two of them of trade.A.
class ReplayTest : public testing::Test {
 protected:
  test::TemporaryDirectory directory;
  const std::filesystem::path file =
      directory.write("recording", std::string(kFirst) + "\n" +
                                       R"({"data":{},"stream":"trade.B"})" + "\n" + kSecond + "\n");
};

TEST_F(ReplayTest, PlaysFromTheFirstSubscriptionOnToWhoIsSubscribed) {
  SimulatedExchange exchange({.rate = kUnlimited, .replay = file});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A"}));
  EXPECT_EQ(client.receive(), kFirst);
  EXPECT_EQ(client.receive(), kSecond);
  exchange.publish("trade.A", "0");
  EXPECT_EQ(client.receive(), kLive) << "it ends there";
}

TEST_F(ReplayTest, BeginsAnewWhereItLoops) {
  SimulatedExchange exchange({.rate = kUnlimited, .replay = file, .replay_loops = true});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A"}));
  for (int round = 0; round < 1000; ++round) {
    ASSERT_EQ(client.receive(), kFirst);
    ASSERT_EQ(client.receive(), kSecond);
  }
}

TEST_F(ReplayTest, WaitsForARateWhereThereIsNone) {
  SimulatedExchange exchange({.rate = 0, .replay = file});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.publish("trade.A", "0");
  EXPECT_EQ(client.receive(), kLive) << "what was recorded does not come by itself";
  exchange.apply(fault::Rate{.per_second = 1000});
  EXPECT_EQ(client.receive(), kFirst);
}

TEST_F(ReplayTest, StandsStillAfterAsManyMessagesAsItIsTold) {
  SimulatedExchange exchange({.rate = 0, .replay = file, .replay_loops = true});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.apply(fault::Rate{.per_second = kUnlimited, .messages = 99});  // one in three of trade.B
  for (int i = 0; i < 33; ++i) {
    ASSERT_EQ(client.receive(), kFirst);
    ASSERT_EQ(client.receive(), kSecond);
  }
  exchange.publish("trade.A", "0");
  int more = 0;  // that were due at once
  while (client.receive() != kLive) ASSERT_LT(++more, 256);
}

TEST_F(ReplayTest, DoesNotGoWithAMarket) {
  EXPECT_THROW(SimulatedExchange({.market = MarketOptions{}, .replay = file}),
               std::invalid_argument);
}

TEST(Replay, NeedsItsFile) {
  EXPECT_THROW(SimulatedExchange({.replay = "/nonexistent"}), std::runtime_error);
}

}  // namespace
}  // namespace bpx::exchange
