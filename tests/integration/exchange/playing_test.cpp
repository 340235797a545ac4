#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

namespace bpx::exchange {
namespace {

constexpr double kUnlimited = std::numeric_limits<double>::infinity();

const std::string kFirst = R"({"data": {"t":1}, "stream":"trade.A"})";
const std::string kSecond = R"({"stream":"trade.A","data":{}})";

/// A recording of three frames, two of them of trade.A, that lasts as long as its test.
class ReplayTest : public testing::Test {
 protected:
  ReplayTest() {
    std::ofstream(file) << kFirst << "\n"
                        << R"({"data":{},"stream":"trade.B"})"
                        << "\n"
                        << kSecond << "\n";
  }
  ~ReplayTest() override { std::filesystem::remove(file); }

  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) /
      (std::string("replay_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(ReplayTest, PlaysFromTheFirstSubscriptionOnToWhoIsSubscribed) {
  SimulatedExchange exchange({.rate = kUnlimited, .replay = file});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A"}));
  EXPECT_EQ(client.receive(), kFirst);
  EXPECT_EQ(client.receive(), kSecond);
  EXPECT_EQ(client.receive(std::chrono::milliseconds(50)), std::nullopt);
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
  EXPECT_EQ(client.receive(std::chrono::milliseconds(50)), std::nullopt);
  exchange.apply(fault::Rate{.per_second = 1000});
  EXPECT_EQ(client.receive(), kFirst);
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
