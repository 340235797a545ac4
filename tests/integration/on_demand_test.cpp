#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::ElementsAre;
using testing::HasSubstr;
using Flag = proto::MessageHeader::Flag;
namespace fault = exchange::fault;

/// A bridge that carries trade.A for good and more as consumers ask.
class OnDemand : public testing::Test {
 protected:
  OnDemand() { EXPECT_TRUE(exchange_.wait_for_subscription("trade.A")); }

  bridge::Config config() {
    auto config = test_config(exchange_, directory_, {"trade.A"});
    config.upstream.on_demand = {
        .enabled = true, .allow = {"trade.*", "account.order*"}, .linger_ms = 200};
    return config;
  }

  /// Whether the exchange comes to be subscribed to exactly `streams`.
  bool comes_to(const std::set<std::string>& streams) {
    return exchange_.wait_for_exactly(streams);
  }

  ExchangeOptions options() {
    ExchangeOptions options;
    options.unknown_streams = {"trade.BOGUS"};
    options.verifying_keys = {kPublicKey};
    return options;
  }

  SimulatedExchange exchange_{options()};
  TemporaryDirectory directory_;
  RunningBridge bridge_{config()};
};

TEST_F(OnDemand, CarriesAStreamForAsLongAsSomebodyListens) {
  {
    ReadySubscriber consumer(bridge_.public_endpoint(), {"trade.B"});
    ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
    exchange_.publish("trade.B", R"({"t":1})");
    const auto message = consumer.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->payload, R"({"data":{"t":1},"stream":"trade.B"})");
    EXPECT_EQ(message->header.flags, Flag::first_on_connection);
    EXPECT_TRUE(bridge_.wait_for_page(
        "/status",
        R"("on_demand":[{"name":"trade.B","state":"live","waiting":false,"subscribers":1}])"));
  }
  EXPECT_TRUE(comes_to({"trade.A"}));
  EXPECT_TRUE(bridge_.wait_for_page("/status", R"("on_demand":[])"));
}

TEST_F(OnDemand, MeasuresAStreamByItselfFromWhenItIsConfigured) {
  ReadySubscriber consumer(bridge_.public_endpoint(), {"trade.B"});
  ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
  exchange_.publish("trade.B", R"({"t":1})");
  ASSERT_TRUE(consumer.next());
  ASSERT_TRUE(bridge_.wait_for_page("/status", R"("name":"trade.B","state":"live")"));
  auto with_both = config();
  with_both.upstream.streams = {"trade.A", "trade.B"};
  bridge_.reload(with_both);
  ASSERT_TRUE(bridge_.wait_for_log("reloaded"));
  exchange_.publish("trade.B", R"({"E":1788367430323775,"t":2})");
  ASSERT_TRUE(consumer.next());
  EXPECT_TRUE(bridge_.wait_for_metric(R"(received_messages_total{stream="trade.B"})", 1));
  EXPECT_EQ(bridge_.metric(R"(received_messages_total{stream="other"})"), 1);
  EXPECT_EQ(bridge_.metric(R"(exchange_lag_seconds_count{type="trade"})"), 1);
  EXPECT_THAT(bridge_.page("/status"), HasSubstr(R"("state":"live","waiting":false,"sequence":2)"));
  EXPECT_TRUE(bridge_.wait_for_page("/readyz", "200 OK"));
}

TEST_F(OnDemand, LeavesConfiguredStreamsAlone) {
  {
    ReadySubscriber consumer(bridge_.public_endpoint(), {"trade.A", "trade.B"});
    ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
  }
  EXPECT_TRUE(comes_to({"trade.A"}));
  ReadySubscriber late(bridge_.public_endpoint(), {"trade.A"});
  exchange_.publish("trade.A", "{}");
  EXPECT_TRUE(late.next());
}

TEST_F(OnDemand, EndsWithAConsumerThatSubscribedMoreThanOnce) {
  zmq::context_t context;
  zmq::socket_t consumer(context, zmq::socket_type::sub);
  for (int i = 0; i < 3; ++i) consumer.set(zmq::sockopt::subscribe, "trade.B");
  consumer.connect(bridge_.public_endpoint());
  for (int i = 0; i < 3; ++i) consumer.set(zmq::sockopt::subscribe, "trade.B");
  ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
  EXPECT_TRUE(bridge_.wait_for_page("/status", R"("subscribers":1}])"));
  consumer.close();
  EXPECT_TRUE(comes_to({"trade.A"}));
}

TEST_F(OnDemand, SurvivesReconnects) {
  ReadySubscriber consumer(bridge_.public_endpoint(), {"trade.B"});
  ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
  exchange_.publish("trade.B", "1");
  ASSERT_TRUE(consumer.next());
  exchange_.apply(fault::Drop{});
  ASSERT_TRUE(consumer.wait_for_status(R"("event":"connected")"));
  ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
  exchange_.publish("trade.B", "2");
  const auto message = consumer.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.connection, 2U);
  EXPECT_EQ(message->header.sequence, 2U);
}

TEST_F(OnDemand, MarksTheFirstMessageAfterAPauseAndWhatWasMissedInIt) {
  {
    ReadySubscriber consumer(bridge_.public_endpoint(), {"trade.B"});
    ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
    exchange_.publish("trade.B", R"({"t":1})");
    ASSERT_TRUE(consumer.next());
  }
  ASSERT_TRUE(comes_to({"trade.A"}));
  ReadySubscriber consumer(bridge_.public_endpoint(), {"trade.B"});
  ASSERT_TRUE(comes_to({"trade.A", "trade.B"}));
  exchange_.publish("trade.B", R"({"t":9})");
  const auto message = consumer.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->header.flags, Flag::first_on_connection | Flag::gap_before);
  EXPECT_EQ(message->header.sequence, 2U);
}

TEST_F(OnDemand, BringsAnAccountsStreamToItsOwnEndpointAlone) {
  ReadySubscriber stranger(bridge_.public_endpoint(), {"account.orderUpdate", "trade.B"});
  ASSERT_TRUE(comes_to({"trade.A", "trade.B"})) << "and not account.orderUpdate";
  ReadySubscriber owner(bridge_.private_endpoint(), {"account.orderUpdate"});
  ASSERT_TRUE(comes_to({"account.orderUpdate", "trade.A", "trade.B"}));
  exchange_.publish("account.orderUpdate", R"({"i":"1"})");
  EXPECT_TRUE(owner.next());
  exchange_.publish("trade.B", "{}");
  const auto message = stranger.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->topic, "trade.B");
}

TEST_F(OnDemand, SignsAnAccountsStreamAnewAfterAReconnectAndGoesOnToItsConsumer) {
  ReadySubscriber owner(bridge_.private_endpoint(), {"account.orderUpdate"});
  ASSERT_TRUE(comes_to({"account.orderUpdate", "trade.A"}));
  exchange_.publish("account.orderUpdate", R"({"i":"1"})");
  const auto before = owner.next();
  ASSERT_TRUE(before);
  exchange_.apply(fault::Drop{});
  ASSERT_TRUE(owner.wait_for_status(R"("event":"connected")"));
  ASSERT_TRUE(exchange_.wait_for_connections(2));
  ASSERT_TRUE(comes_to({"account.orderUpdate", "trade.A"}));
  exchange_.publish("account.orderUpdate", R"({"i":"2"})");
  const auto after = owner.next();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->payload, R"({"data":{"i":"2"},"stream":"account.orderUpdate"})");
  EXPECT_EQ(after->header.connection, 2U);
  EXPECT_EQ(after->header.sequence, before->header.sequence + 1);
  EXPECT_EQ(after->header.flags, Flag::first_on_connection);

  std::vector<std::string> timestamps;
  for (const auto& request : exchange_.requests())
    if (!request.signature.empty()) timestamps.push_back(request.signature.at(2));
  ASSERT_EQ(timestamps.size(), 2U) << "once a connection";
  // In whatever order: the exchange's clock, by which they are made, is known better by then.
  EXPECT_NE(timestamps[0], timestamps[1]) << "a signature of before";
}

TEST_F(OnDemand, TellsWhoAskedForWhatTheExchangeDoesNotKnow) {
  ReadySubscriber consumer(bridge_.public_endpoint(), {});
  for (const auto* topic : {"trade.BOGUS", "trade.B"}) consumer.subscribe(topic);
  ASSERT_TRUE(consumer.wait_for_status(R"("event":"rejected")"));
  EXPECT_TRUE(comes_to({"trade.A", "trade.B"}));
  EXPECT_TRUE(bridge_.wait_for_page("/status", R"({"name":"trade.BOGUS","state":"rejected")"));
  EXPECT_TRUE(bridge_.wait_for_page("/readyz", R"("ready":true)"))
      << "a consumer's mistake does not make the bridge unready";
}

}  // namespace
}  // namespace bpx::test
