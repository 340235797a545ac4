#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
namespace fault = exchange::fault;
using exchange::ExchangeOptions;
using exchange::Frame;
using exchange::Quirks;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;

struct Manners {
  std::string name;
  Quirks quirks;
};

void PrintTo(const Manners& manners, std::ostream* os) { *os << manners.name; }

/// What documents leave open, in every combination. In which order an envelope's members come has
/// nothing to do with it, and goes along.
std::vector<Manners> all_manners() {
  std::vector<Manners> all;
  for (const bool spoils : {true, false})
    for (const bool echoes : {false, true})
      for (const bool acknowledges : {false, true})
        all.push_back({std::string(spoils ? "SpoilsTheRequest" : "SpoilsOnlyItself") +
                           (echoes ? "ByName" : "Namelessly") +
                           (acknowledges ? "AndAcknowledges" : ""),
                       {.bad_name_spoils_request = spoils,
                        .errors_echo_id = echoes,
                        .acknowledges = acknowledges,
                        .stream_first = acknowledges}});
  return all;
}

class Refusal : public testing::TestWithParam<Manners> {};

TEST_P(Refusal, OfThreeNamesAmong250SilencesNoOther) {
  ExchangeOptions options{.quirks = GetParam().quirks};
  options.unknown_streams = {"trade.S3", "trade.S120", "trade.S121", "account.noSuchUpdate"};
  SimulatedExchange exchange(options);
  const TemporaryDirectory directory;
  std::vector<std::string> streams;
  for (int i = 0; i < 250; ++i) streams.push_back("trade.S" + std::to_string(i));
  const std::vector<std::string> of_account = {"account.orderUpdate", "account.noSuchUpdate",
                                               "account.balanceUpdate"};
  streams.insert(streams.end(), of_account.begin(), of_account.end());
  exchange.apply(exchange::fault::Refuse{});  // until somebody listens to what becomes of it
  auto config = test_config(exchange, directory, streams);
  config.upstream.resubscribe_after_ms = 1'000;  // whose silence passed for consent
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  ReadySubscriber owner(bridge.private_endpoint());
  exchange.apply(exchange::fault::Heal{});

  for (int i = 0; i < 3; ++i) {
    const auto rejected = consumer.wait_for_status(R"("event":"rejected")");
    ASSERT_TRUE(rejected) << bridge.log();
    EXPECT_THAT(rejected->payload, HasSubstr(R"("code":4006,"message":"Invalid stream")"));
  }
  ASSERT_TRUE(exchange.wait_for_subscriptions(249)) << bridge.log();
  for (const auto& name : options.unknown_streams)
    EXPECT_TRUE(bridge.wait_for_log("rejected stream=" + name)) << bridge.log();

  for (const auto& stream : streams)
    if (!options.unknown_streams.contains(stream)) exchange.publish(stream, "{}");
  EXPECT_EQ(consumer.take(247).size(), 247U);
  EXPECT_EQ(owner.take(2).size(), 2U);
  EXPECT_EQ(exchange.connections(), 1U) << "a bad name must not cost the connection";
}

INSTANTIATE_TEST_SUITE_P(ByAnExchangeThat, Refusal, testing::ValuesIn(all_manners()),
                         [](const auto& manners) { return manners.param.name; });

TEST(RefusedName, IsFoundWhileOtherRequestsAreStillBeingWritten) {
  ExchangeOptions options;
  options.unknown_streams = {"trade.S0"};
  SimulatedExchange exchange(options);
  const TemporaryDirectory directory;
  std::vector<std::string> streams;
  for (int i = 0; i < 2'000; ++i) streams.push_back("trade.S" + std::to_string(i));
  auto config = test_config(exchange, directory, streams);
  config.upstream.subscribe_batch = 2;
  RunningBridge bridge(config);
  EXPECT_TRUE(bridge.wait_for_log("rejected stream=trade.S0")) << bridge.log();
  EXPECT_TRUE(exchange.wait_for_subscriptions(streams.size() - 1)) << bridge.log();
  EXPECT_EQ(bridge.log().find("rejected stream=trade.S1 "), std::string::npos);
}

/// What is rejected stays so for as long as a test lasts.
constexpr bridge::Subscriptions::Timing kPatient{.signature_retry = 20ms, .retry_first = 1h};

TEST(RefusedSignature, IsMadeAnewAndGivenUpWhilePublicDataFlows) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::RejectSignatures{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A", "account.orderUpdate"}),
                       kPatient);
  ReadySubscriber everyone(bridge.public_endpoint());
  ReadySubscriber owner(bridge.private_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.publish("trade.A", "{}");
  EXPECT_TRUE(everyone.next());

  const auto rejected = owner.wait_for_status(R"("event":"rejected")");
  ASSERT_TRUE(rejected) << bridge.log();
  EXPECT_THAT(
      rejected->payload,
      HasSubstr(R"("stream":"account.orderUpdate","code":4003,"message":"Invalid signature")"));
  std::size_t signatures = 0;
  for (const auto& request : exchange.requests()) signatures += request.signature.empty() ? 0 : 1;
  EXPECT_GE(signatures, 4U);  // one more where silence passed for consent, on a busy machine

  exchange.publish("trade.A", "{}");
  EXPECT_TRUE(everyone.next());
  EXPECT_TRUE(everyone.wait_for_status("heartbeat"));
  for (const auto& status : everyone.status())
    EXPECT_THAT(status.payload, Not(HasSubstr("account."))) << "a private name became public";
}

TEST(RefusedSignature, IsMadeAnewAndAccepted) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::RejectSignatures{});
  const TemporaryDirectory directory;
  // It is not given up before a few seconds have passed, in which the exchange changes its mind.
  auto subscribing = kSubscribing;
  subscribing.signature_retry = 10s;
  RunningBridge bridge(test_config(exchange, directory, {"account.orderUpdate"}), subscribing);
  ASSERT_TRUE(bridge.wait_for_log("Invalid signature"));
  exchange.apply(fault::RejectSignatures{.on = false});
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate")) << bridge.log();
  EXPECT_THAT(bridge.whole_log(), Not(HasSubstr(" rejected ")));
}

TEST(RefusedSignature, IsMadeAnewOnTheSameConnectionOnceTheExchangeAcceptsIt) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::RejectSignatures{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"account.orderUpdate"}));
  ASSERT_TRUE(bridge.wait_for_log("rejected stream=account.orderUpdate code=4003")) << bridge.log();
  exchange.apply(fault::Heal{});
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate")) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_metric(R"(stream_subscribed{stream="account.orderUpdate"})", 1));
  EXPECT_TRUE(bridge.wait_for_log("INFO  no longer rejected stream=account.orderUpdate"));
  EXPECT_EQ(exchange.connections(), 1U);
}

TEST(RefusedSignature, IsTriedAgainOnTheNextConnection) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::RejectSignatures{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"account.orderUpdate"}), kPatient);
  ASSERT_TRUE(bridge.wait_for_log("rejected stream=account.orderUpdate code=4003")) << bridge.log();
  exchange.apply(fault::Heal{});
  exchange.apply(fault::Close{});
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate")) << bridge.log();
}

TEST(Error, ThatAnswersNothingDisturbsNothing) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A", "trade.B"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(2));
  exchange.publish("trade.A", "{}");
  exchange.publish("trade.B", "{}");
  ASSERT_EQ(consumer.take(2).size(), 2U);
  for (int i = 0; i < 10; ++i) exchange.apply(fault::Error{.code = 5000, .message = "odd"});
  exchange.publish("trade.A", "{}");
  EXPECT_TRUE(consumer.next());
  EXPECT_TRUE(bridge.wait_for_log("error from the exchange code=5000 message=odd"));
  EXPECT_EQ(exchange.requests().size(), 1U);
}

}  // namespace
}  // namespace bpx::test
