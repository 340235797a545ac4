#include "tests/exchange/simulated_exchange.hpp"
#include "tests/integration/exchange/exchange_client.hpp"

#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bpx::exchange {
namespace {

constexpr const char* kInvalidStream =
    R"({"id":null,"error":{"code":4006,"message":"Invalid stream"}})";
constexpr const char* kInvalidSignature =
    R"({"id":null,"error":{"code":4003,"message":"Invalid signature"}})";

TEST(Subscribing, BringsWhatIsPublishedOfTheStreamByteForByte) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.SOL_USDC"}));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.SOL_USDC"));
  exchange.publish("trade.BTC_USDC", R"({"t":1})");
  exchange.publish("trade.SOL_USDC", R"({ "t": 2.50 })");
  EXPECT_EQ(client.receive(), R"({"data":{ "t": 2.50 },"stream":"trade.SOL_USDC"})");
}

TEST(Subscribing, KeepsTheOrderOverAllStreams) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A", "depth.A"}));
  ASSERT_TRUE(exchange.wait_for_subscriptions(2));
  std::vector<Frame> frames;
  frames.reserve(1000);
  for (int number = 0; number < 1000; ++number) {
    frames.push_back(
        {.stream = number % 3 == 0 ? "trade.A" : "depth.A", .data = std::to_string(number)});
  }
  exchange.publish_all(frames);
  for (const Frame& frame : frames) {
    ASSERT_EQ(client.receive(),
              R"({"data":)" + frame.data + R"(,"stream":")" + frame.stream + R"("})");
  }
  ASSERT_TRUE(exchange.wait_for_sent(1000));
  const auto sent = exchange.sent();
  ASSERT_EQ(sent.size(), 1000U);
  EXPECT_EQ(sent[999].text, R"({"data":999,"stream":"trade.A"})");
  EXPECT_EQ(sent[999].stream, "trade.A");
  EXPECT_EQ(sent[999].connection, 1U);
  EXPECT_TRUE(sent[999].completed);
}

TEST(Subscribing, EndsByUnsubscribing) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A", "trade.B"}));
  client.send(R"({"method":"UNSUBSCRIBE","params":["trade.A"]})");
  ASSERT_TRUE(exchange.wait_for_requests(2));
  exchange.publish("trade.A", "1");
  exchange.publish("trade.B", "2");
  EXPECT_EQ(client.receive(), R"({"data":2,"stream":"trade.B"})");
  EXPECT_EQ(exchange.subscriptions(), std::vector<std::string>{"trade.B"});
}

TEST(Subscribing, IsOneThingForEachConnection) {
  SimulatedExchange exchange({});
  ExchangeClient first(client_of(exchange));
  ExchangeClient second(client_of(exchange));
  first.send(subscribe_request({"trade.A", "trade.C"}));
  second.send(subscribe_request({"trade.B", "trade.C"}));
  ASSERT_TRUE(exchange.wait_for_requests(2));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.C"));
  exchange.publish("trade.A", "1");
  exchange.publish("trade.B", "2");
  exchange.publish("trade.C", "3");
  EXPECT_EQ(first.receive(), R"({"data":1,"stream":"trade.A"})");
  EXPECT_EQ(first.receive(), R"({"data":3,"stream":"trade.C"})");
  EXPECT_EQ(second.receive(), R"({"data":2,"stream":"trade.B"})");
  EXPECT_EQ(second.receive(), R"({"data":3,"stream":"trade.C"})");
}

TEST(Subscribing, CopesWithTenThousandStreams) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  std::vector<std::string> streams;
  streams.reserve(10'000);
  for (int number = 0; number < 10'000; ++number) {
    streams.push_back("trade.S" + std::to_string(number) + "_USDC");
  }
  client.send(subscribe_request(streams));
  ASSERT_TRUE(exchange.wait_for_subscriptions(10'000));
  exchange.publish("trade.S9999_USDC", "{}");
  EXPECT_EQ(client.receive(), R"({"data":{},"stream":"trade.S9999_USDC"})");
}

TEST(Subscribing, ToABadNameSpoilsTheWholeRequest) {
  SimulatedExchange exchange({.unknown_streams = {"trade.NO_SUCH"}});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A", "trade.NO_SUCH"}));
  EXPECT_EQ(client.receive(), kInvalidStream);
  EXPECT_TRUE(exchange.subscriptions().empty());
}

TEST(Subscribing, ToABadNameSpoilsOnlyItselfWhereToldSo) {
  SimulatedExchange exchange(
      {.quirks = {.bad_name_spoils_request = false}, .unknown_streams = {"trade.NO_SUCH"}});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A", "trade.NO_SUCH"}));
  EXPECT_EQ(client.receive(), kInvalidStream);
  EXPECT_EQ(exchange.subscriptions(), std::vector<std::string>{"trade.A"});
}

TEST(Subscribing, IsAcknowledgedAndErrorsEchoTheIdWhereToldSo) {
  SimulatedExchange exchange({.quirks = {.errors_echo_id = true, .acknowledges = true},
                              .unknown_streams = {"trade.NO_SUCH"}});
  ExchangeClient client(client_of(exchange));
  client.send(R"({"method":"SUBSCRIBE","params":["trade.A"],"id":1})");
  EXPECT_EQ(client.receive(), R"({"id":1,"result":null})");
  client.send(R"({"method":"SUBSCRIBE","params":["trade.NO_SUCH"],"id":2})");
  EXPECT_EQ(client.receive(), R"({"id":2,"error":{"code":4006,"message":"Invalid stream"}})");
}

TEST(Subscribing, BringsStreamBeforeDataWhereToldSo) {
  SimulatedExchange exchange({.quirks = {.stream_first = true}});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.publish("trade.A", "1");
  EXPECT_EQ(client.receive(), R"({"stream":"trade.A","data":1})");
}

TEST(Subscribing, ToAPrivateStreamTakesASignature) {
  SimulatedExchange exchange({.verifying_keys = {kVerifyingKey}});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"account.orderUpdate"}));
  EXPECT_EQ(client.receive(), kInvalidSignature);
  client.send(signed_subscribe_request({"account.orderUpdate", "trade.A"}, now_ms()));
  EXPECT_TRUE(exchange.wait_for_subscriptions(2));
}

TEST(Subscribing, ToAPrivateStreamTakesATimeWithinTheWindow) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  client.send(signed_subscribe_request({"account.orderUpdate"}, now_ms() - 61'000, 60'000));
  EXPECT_EQ(client.receive(), kInvalidSignature);
  client.send(signed_subscribe_request({"account.orderUpdate"}, now_ms(), 60'001));
  EXPECT_EQ(client.receive(), kInvalidSignature);
  EXPECT_TRUE(exchange.subscriptions().empty());
}

TEST(Subscribing, ToAPrivateStreamTakesAKnownKeyWhereThereAreKeys) {
  SimulatedExchange exchange({.verifying_keys = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}});
  ExchangeClient client(client_of(exchange));
  client.send(signed_subscribe_request({"account.orderUpdate"}, now_ms()));
  EXPECT_EQ(client.receive(), kInvalidSignature);
}

TEST(Subscribing, IsRecordedAsItWasRequested) {
  SimulatedExchange exchange({});
  ExchangeClient client(client_of(exchange));
  const std::string request = signed_subscribe_request({"account.orderUpdate"}, now_ms());
  client.send(request);
  client.send("nonsense");
  ASSERT_TRUE(exchange.wait_for_requests(2));
  const auto requests = exchange.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].connection, 1U);
  EXPECT_EQ(requests[0].text, request);
  EXPECT_EQ(requests[0].method, "SUBSCRIBE");
  EXPECT_EQ(requests[0].params, std::vector<std::string>{"account.orderUpdate"});
  EXPECT_EQ(requests[0].signature.size(), 4U);
  EXPECT_EQ(requests[0].signature[0], kVerifyingKey);
  EXPECT_NEAR(static_cast<double>(requests[0].received_us) / 1000, static_cast<double>(now_ms()),
              60'000);
  EXPECT_EQ(requests[1].text, "nonsense");
  EXPECT_EQ(requests[1].method, "");
}

TEST(Subscribing, ToAStreamThatIsListedLaterIsRefusedUntilThen) {
  SimulatedExchange exchange(ExchangeOptions{.unknown_streams = {"trade.NEW"}});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.NEW"}));
  EXPECT_EQ(client.receive(), kInvalidStream);
  exchange.apply(fault::List{.stream = "trade.NEW"});
  client.send(subscribe_request({"trade.NEW"}));
  EXPECT_TRUE(exchange.wait_for_subscription("trade.NEW"));
}

TEST(Subscribing, ToMoreThanAConnectionMayHaveIsRefusedAndToTheSameAgainIsNot) {
  SimulatedExchange exchange(ExchangeOptions{.max_streams = 2});
  ExchangeClient client(client_of(exchange));
  client.send(subscribe_request({"trade.A", "trade.B"}));
  client.send(subscribe_request({"trade.A", "trade.B"}));
  client.send(R"({"id":3,"method":"SUBSCRIBE","params":["trade.C"]})");
  EXPECT_EQ(client.receive(), R"({"id":3,"error":{"code":4010,"message":"Too many streams"}})");
}

TEST(Subscribing, FasterThanAConnectionMayClosesIt) {
  SimulatedExchange exchange(ExchangeOptions{.max_requests_per_second = 2});
  ExchangeClient client(client_of(exchange));
  try {
    for (int i = 0; i < 10; ++i) client.send(subscribe_request({"trade.A"}));
  } catch (const boost::system::system_error&) {
    // The end may have come before the last of them.
  }
  ASSERT_TRUE(client.wait_for_end());
  EXPECT_EQ(client.close_code(), 1008);
}

}  // namespace
}  // namespace bpx::exchange
