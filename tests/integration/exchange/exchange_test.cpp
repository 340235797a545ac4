#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace bpx::exchange {
namespace {

ClientOptions client_of(const SimulatedExchange& exchange) {
  return {.port = exchange.port(), .ca_pem = exchange.ca_pem()};
}

std::string subscribe(const std::string& streams) {
  return R"({"method":"SUBSCRIBE","params":[)" + streams + "]}";
}

constexpr const char* kInvalidStream =
    R"({"id":null,"error":{"code":4006,"message":"Invalid stream"}})";
constexpr const char* kInvalidSignature =
    R"({"id":null,"error":{"code":4003,"message":"Invalid signature"}})";

TEST(Exchange, SendsWhatIsPublishedToThoseWhoAreSubscribed) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe(R"("trade.SOL_USDC")"));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.SOL_USDC", kSoon));
  exchange.publish("trade.BTC_USDC", R"({"t":1})");
  exchange.publish("trade.SOL_USDC", R"({"t": 2})");
  EXPECT_EQ(client.receive(), R"({"data":{"t": 2},"stream":"trade.SOL_USDC"})");
}

TEST(Exchange, RefusesABadNameWithItsWholeRequest) {
  SimulatedExchange exchange({.unknown_streams = {"trade.NO_SUCH"}});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe(R"("trade.SOL_USDC","trade.NO_SUCH")"));
  EXPECT_EQ(client.receive(), kInvalidStream);
  EXPECT_TRUE(exchange.subscriptions().empty());
}

TEST(Exchange, RefusesAPrivateStreamWithoutSignature) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe(R"("account.orderUpdate")"));
  EXPECT_EQ(client.receive(), kInvalidSignature);
}

TEST(Exchange, BreaksTheConnectionWithoutACloseFrame) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  ASSERT_TRUE(exchange.wait_for_connections(1, kSoon));
  exchange.apply(fault::Drop{});
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.close_code(), 0);
  EXPECT_TRUE(exchange.wait_for_open_connections(0, kSoon));
}

TEST(Exchange, ClosesByCodeAndReasonBehindWhatIsQueued) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe(R"("trade.SOL_USDC")"));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.SOL_USDC", kSoon));
  exchange.publish("trade.SOL_USDC", "{}");
  exchange.apply(fault::Close{.code = 1012, .reason = "Service restart"});
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_TRUE(client.receive().has_value());
  EXPECT_EQ(client.close_code(), 1012);
  EXPECT_EQ(client.close_reason(), "Service restart");
  EXPECT_TRUE(exchange.wait_for_open_connections(0, kSoon));
  EXPECT_EQ(exchange.client_close_code(), 1012);
}

}  // namespace
}  // namespace bpx::exchange
