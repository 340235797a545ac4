// The way in, as public reports say that exchanges treat their clients: a row each.
#include "tests/support/loopback_listener.hpp"
#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
namespace fault = exchange::fault;
using exchange::ExchangeOptions;
using exchange::Quirks;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> streams;
  for (std::size_t i = 0; i < count; ++i) streams.push_back("trade.S" + std::to_string(i));
  return streams;
}

TEST(AnExchangeThatClosesWhereItIsAskedTooMuch, IsAskedMoreSlowlyUntilAllIsSubscribed) {
  SimulatedExchange exchange(ExchangeOptions{.max_requests_per_second = 3});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, numbered(6));
  config.upstream.subscribe_batch = 1;
  config.upstream.requests_per_second = 5;
  RunningBridge bridge(config);
  ASSERT_TRUE(bridge.wait_for_log("disconnected reason=closed detail=\"close code 1008"));
  EXPECT_TRUE(exchange.wait_for_subscriptions(6)) << bridge.log();
  EXPECT_GT(bridge.metric(R"(upstream_requests_total{method="SUBSCRIBE"})"), 6);
  EXPECT_EQ(bridge.metric(R"(upstream_requests_total{method="UNSUBSCRIBE"})"), 0);
}

/// A bridge that wants trade.A, and has a canary.
class ACanary : public testing::Test {
 protected:
  void start(std::uint64_t data_timeout_ms, std::vector<std::string> streams = {"trade.A"}) {
    auto config = test_config(exchange_, directory_, std::move(streams));
    config.upstream.canary = "ticker.C";
    config.upstream.data_timeout_ms = data_timeout_ms;
    config.upstream.on_demand = {.enabled = true, .allow = {"ticker.*"}, .linger_ms = 10};
    bridge_.emplace(config);
    consumer_.emplace(bridge_->public_endpoint(), std::vector<std::string>{"trade."});
    consumer_->subscribe("bridge.status");
  }

  static ExchangeOptions options() {
    ExchangeOptions options;
    options.unknown_streams = {"ticker.UNKNOWN"};
    return options;
  }

  SimulatedExchange exchange_{options()};
  TemporaryDirectory directory_;
  std::optional<RunningBridge> bridge_;
  std::optional<ReadySubscriber> consumer_;
};

TEST_F(ACanary, ThatFallsSilentWithAllOthersEndsTheConnectionThoughPingsAreAnswered) {
  start(300);
  ASSERT_TRUE(exchange_.wait_for_subscription("ticker.C")) << bridge_->log();
  exchange_.publish("ticker.C", "{}");
  const auto ended = consumer_->wait_for_status(R"("event":"disconnected")");
  ASSERT_TRUE(ended) << bridge_->log();
  EXPECT_THAT(ended->payload, HasSubstr(R"("reason":"mute")"));
  EXPECT_TRUE(bridge_->wait_for_metric(R"(upstream_disconnects_total{reason="mute"})", 1));
  EXPECT_TRUE(exchange_.wait_for_connections(2));
}

TEST_F(ACanary, ThatWasNeverHeardLeavesAQuietMarketInPeace) {
  start(20);
  ASSERT_TRUE(exchange_.wait_for_subscriptions(2)) << bridge_->log();
  exchange_.publish("trade.A", "{}");
  ASSERT_TRUE(consumer_->next());
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(consumer_->wait_for_status("heartbeat"));
  EXPECT_EQ(exchange_.connections(), 1U) << bridge_->log();
}

TEST_F(ACanary, IsNotMissedWhereAWantedStreamTicks) {
  start(300, {"bookTicker.A"});
  ASSERT_TRUE(exchange_.wait_for_subscription("bookTicker.A"));
  exchange_.publish("bookTicker.A", "{}");
  EXPECT_TRUE(bridge_->wait_for_log("disconnected reason=mute")) << bridge_->log();
}

TEST_F(ACanary, ShowsNowhereUntilAConsumerWantsItToo) {
  start(0);
  ASSERT_TRUE(exchange_.wait_for_subscriptions(2));
  consumer_->subscribe("");
  consumer_->subscribe("bridge.status");
  ASSERT_TRUE(consumer_->wait_for_status("heartbeat"));
  exchange_.publish("ticker.C", "1");
  exchange_.publish("trade.A", "{}");
  const auto message = consumer_->next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->topic, "trade.A");
  EXPECT_THAT(bridge_->page("/status"), Not(HasSubstr("ticker.C")));
  EXPECT_THAT(bridge_->page("/metrics"), Not(HasSubstr("ticker")));
  {
    ReadySubscriber curious(bridge_->public_endpoint(), {"ticker.C"});
    ASSERT_TRUE(bridge_->wait_for_page("/status", R"({"name":"ticker.C","state":"live")"));
    exchange_.publish("ticker.C", "2");
    const auto tick = curious.next();
    ASSERT_TRUE(tick);
    EXPECT_THAT(tick->payload, HasSubstr(R"("data":2)"));
  }
  ASSERT_TRUE(bridge_->wait_for_page("/status", R"("on_demand":[])"));
  EXPECT_EQ(bridge_->metric(R"(upstream_requests_total{method="UNSUBSCRIBE"})"), 0);
  EXPECT_EQ(exchange_.subscriptions(), (std::vector<std::string>{"ticker.C", "trade.A"}));
}

TEST_F(ACanary, IsMarkedAsTheFirstAfterWhatWasNotPublishedSinceNobodyWantedIt) {
  start(0);
  ASSERT_TRUE(exchange_.wait_for_subscriptions(2));
  const auto flags_of_next = [&](const std::string& data) {
    ReadySubscriber curious(bridge_->public_endpoint(), {"ticker.C"});
    EXPECT_TRUE(bridge_->wait_for_page("/status", R"({"name":"ticker.C","state":"live")"));
    exchange_.publish("ticker.C", data);
    const auto tick = curious.next();
    EXPECT_TRUE(tick);
    if (!tick) return 0;
    EXPECT_THAT(tick->payload, HasSubstr(R"("data":)" + data));
    return int{tick->header.flags};
  };
  exchange_.publish("ticker.C", "1");
  ASSERT_TRUE(bridge_->wait_for_page("/status", R"("canary":1)"));
  EXPECT_EQ(flags_of_next("2"), proto::MessageHeader::first_on_connection);
  ASSERT_TRUE(bridge_->wait_for_page("/status", R"("on_demand":[])"));
  exchange_.publish("ticker.C", "3");
  ASSERT_TRUE(bridge_->wait_for_page("/status", R"("canary":2)"));
  EXPECT_EQ(flags_of_next("4"), proto::MessageHeader::first_on_connection);
}

TEST_F(ACanary, ThatNobodyWantsIsCountedAllTheSameAsTheLedgerHasIt) {
  start(0);
  ASSERT_TRUE(exchange_.wait_for_subscriptions(2));
  for (const auto* data : {"1", "2", "3"}) exchange_.publish("ticker.C", data);
  exchange_.publish("trade.A", "{}");
  ASSERT_TRUE(bridge_->wait_for_metric(R"(received_messages_total{stream="trade.A"})", 1));
  double bytes = 0;
  ASSERT_TRUE(comes_true([&] {
    const auto sent = exchange_.sent();
    bytes = 0;
    for (const auto& frame : sent)
      if (frame.stream == "ticker.C") bytes += static_cast<double>(frame.text.size());
    return std::ranges::count(sent, "ticker.C", &exchange::SentFrame::stream) == 3;
  }));
  EXPECT_EQ(bridge_->metric(R"(received_messages_total{stream="other"})"), 3);
  EXPECT_EQ(bridge_->metric(R"(received_bytes_total{stream="other"})"), bytes);
  EXPECT_THAT(bridge_->page("/status"), HasSubstr(R"("canary":3)"));
}

TEST_F(ACanary, ThatTheExchangeRefusesIsNobodysConcern) {
  auto config = test_config(exchange_, directory_, {"trade.A"});
  config.upstream.canary = "ticker.UNKNOWN";
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(bridge.wait_for_log("canary refused")) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_page("/readyz", R"("ready":true)"));
  EXPECT_THAT(bridge.log(), Not(HasSubstr(" rejected ")));
  ASSERT_TRUE(consumer.wait_for_status("heartbeat"));
  for (const auto& status : consumer.status())
    EXPECT_THAT(status.payload, Not(HasSubstr("rejected")));
}

/// Whether an error comes before the pong to the ping behind its request, or after it.
class AnExchangeThatRefusesNamelessly : public testing::TestWithParam<std::chrono::milliseconds> {};

TEST_P(AnExchangeThatRefusesNamelessly, ThreeOf250QuietStreamsSilencesNoOther) {
  ExchangeOptions options;
  options.quirks.answer_delay = GetParam();
  options.unknown_streams = {"trade.S3", "trade.S120", "trade.S221"};
  SimulatedExchange exchange(options);
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, numbered(250));
  // On a busy machine an error may come later than the bridge waits for it. Whose silence then
  // passes for consent is asked for again.
  config.upstream.resubscribe_after_ms = 1'000;
  RunningBridge bridge(config);
  EXPECT_TRUE(exchange.wait_for_subscriptions(247)) << bridge.log();
  for (const auto& name : options.unknown_streams)
    EXPECT_TRUE(bridge.wait_for_log("rejected stream=" + name + " code=4006")) << bridge.log();
  EXPECT_EQ(exchange.subscriptions().size(), 247U);
  EXPECT_EQ(exchange.connections(), 1U);
}

INSTANTIATE_TEST_SUITE_P(InEitherOrder, AnExchangeThatRefusesNamelessly,
                         testing::Values(0ms, 20ms));

TEST(AnExchangeThatListsItsMarkets, IsAskedForWhatItDoesNotListApart) {
  SimulatedExchange exchange(ExchangeOptions{.market = exchange::MarketOptions{}});
  exchange.apply(fault::IgnoreRequests{.count = 1'000});  // no error tells which name is bad
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(
      exchange, directory, {"trade.SOL_USDC", "depth.SOL_USDC", "trade.BOGUS", "ticker.BTC_USDC"}));
  ASSERT_TRUE(bridge.wait_for_log("markets listed")) << bridge.log();
  ASSERT_TRUE(exchange.wait_for_connections(1));
  exchange.apply(fault::Drop{});
  ASSERT_TRUE(exchange.wait_for_connections(2));
  std::vector<exchange::ReceivedRequest> asked_there;
  for (std::size_t seen = 0; asked_there.size() < 2;) {
    ASSERT_TRUE(exchange.wait_for_requests(seen + 1)) << bridge.log();
    asked_there = exchange.requests();
    seen = asked_there.size();
    std::erase_if(asked_there, [](const auto& request) { return request.connection != 2; });
  }
  EXPECT_EQ(asked_there[0].params.size(), 3U);
  EXPECT_EQ(asked_there[1].params, std::vector<std::string>{"trade.BOGUS"});
}

TEST(AnExchangeThatDropsARequest, IsAskedAgain) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::IgnoreRequests{.count = 1});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A", "trade.B"});
  config.upstream.resubscribe_after_ms = 50;
  RunningBridge bridge(config);
  EXPECT_TRUE(exchange.wait_for_subscriptions(2)) << bridge.log();
  EXPECT_EQ(exchange.connections(), 1U);
}

TEST(AStreamThatNeverSpeaks, IsAskedForAgainAndGoesOnWhereItLeftOff) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::MuteStream{.stream = "trade.B"});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A", "trade.B"});
  config.upstream.resubscribe_after_ms = 20;
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(2));
  exchange.publish("trade.A", "{}");
  ASSERT_TRUE(consumer.next());
  // One may be under way that names both.
  ASSERT_TRUE(exchange.wait_for_requests(exchange.requests().size() + 2)) << bridge.log();
  EXPECT_EQ(exchange.requests().back().params, std::vector<std::string>{"trade.B"});
  EXPECT_TRUE(bridge.wait_for_page("/readyz", R"("ready":true)")) << "silence is no rejection";
  exchange.apply(fault::Heal{});
  exchange.publish("trade.B", "{}");
  EXPECT_TRUE(consumer.next());
}

TEST(AnExchangeThatRefusesSignaturesForATime, IsAskedAgainOnTheSameConnection) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::RejectSignatures{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"account.orderUpdate"}));
  ASSERT_TRUE(bridge.wait_for_log("rejected stream=account.orderUpdate code=4003"));
  exchange.apply(fault::Heal{});
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate")) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_page("/readyz", R"("ready":true)"));
  EXPECT_EQ(exchange.connections(), 1U);
}

TEST(AStreamThatIsListedLater, IsAskedForAgainOnTheSameConnection) {
  SimulatedExchange exchange(ExchangeOptions{.unknown_streams = {"trade.NEW"}});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A", "trade.NEW"}));
  ASSERT_TRUE(bridge.wait_for_log("rejected stream=trade.NEW code=4006")) << bridge.log();
  exchange.apply(fault::List{.stream = "trade.NEW"});
  EXPECT_TRUE(exchange.wait_for_subscription("trade.NEW")) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_page("/readyz", R"("ready":true)"));
  EXPECT_EQ(exchange.connections(), 1U);
}

struct Cap {
  Quirks::Overflow overflow;
  std::string refusal;  ///< as /readyz tells it
};

void PrintTo(const Cap& cap, std::ostream* os) { *os << cap.refusal; }

class AnExchangeThatCapsStreams : public testing::TestWithParam<Cap> {};

TEST_P(AnExchangeThatCapsStreams, IsFilledAndItsWordsAreToldOfTheRest) {
  ExchangeOptions options{.max_streams = 25};
  options.quirks.overflow = GetParam().overflow;
  SimulatedExchange exchange(options);
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, numbered(60));
  config.upstream.subscribe_batch = 20;
  config.upstream.requests_per_second = 100;
  RunningBridge bridge(config);
  EXPECT_TRUE(exchange.wait_for_subscriptions(25)) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_page("/readyz", "and 15 more rejected")) << bridge.log();
  EXPECT_THAT(bridge.page("/readyz"), HasSubstr(GetParam().refusal));
  EXPECT_EQ(exchange.subscriptions().size(), 25U);
  EXPECT_EQ(bridge.metric("malformed_messages_total"), 0);
  EXPECT_EQ(exchange.connections(), 1U);
}

INSTANTIATE_TEST_SUITE_P(InEitherWay, AnExchangeThatCapsStreams,
                         testing::Values(Cap{Quirks::Overflow::error, "(4010 Too many streams)"},
                                         Cap{Quirks::Overflow::data, "(429 Too many streams)"}));

TEST(AnExchangeThatSendsSeveralMessagesAsOne, IsToldOfOnceAKind) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  const std::string one = R"({"data":{},"stream":"trade.A"})";
  for (int i = 0; i < 3; ++i) exchange.send_raw("nonsense");
  for (int i = 0; i < 3; ++i) exchange.send_raw('[' + one + ',' + one + ']');
  for (int i = 0; i < 3; ++i) exchange.send_raw(one + '\n' + one);
  exchange.publish("trade.A", "{}");
  ASSERT_TRUE(consumer.next()) << "what came alone goes on";
  EXPECT_EQ(bridge.metric("malformed_messages_total"), 9);
  EXPECT_TRUE(bridge.wait_for_log("fault=\"it is an array, which may hold")) << bridge.log();
  EXPECT_TRUE(bridge.wait_for_log("fault=\"several messages came in one\"")) << bridge.log();
}

/// Of a signature, as tests configure it.
constexpr auto kBeyondTheWindow = 5min;

TEST(AnExchangeWhoseClockIsFarFromOurs, GetsSignaturesByItsOwn) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::ShiftClock{.offset = kBeyondTheWindow});
  // Until the clock is known: on a busy machine the first signature does not wait long enough.
  using To = fault::Answer::To;
  exchange.apply(fault::Answer{.to = To::upgrade, .bytes = "HTTP/1.1 503 Unavailable\r\n\r\n"});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"account.orderUpdate"}));
  ASSERT_TRUE(bridge.wait_for_log("clock offset")) << bridge.log();
  exchange.apply(fault::Answer{.to = To::upgrade, .bytes = ""});
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate")) << bridge.log();
  EXPECT_EQ(bridge.metric(R"(upstream_errors_total{code="4003"})"), 0) << bridge.log();
}

TEST(AnExchangeWhoseClockSteps, GetsSignaturesByItsNewTimeOnTheSameConnection) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"account.orderUpdate"}));
  ASSERT_TRUE(exchange.wait_for_subscription("account.orderUpdate"));
  exchange.apply(fault::ShiftClock{.offset = kBeyondTheWindow});
  exchange.apply(fault::Drop{});
  ASSERT_TRUE(exchange.wait_for_connections(2));
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate")) << bridge.log();
  EXPECT_EQ(exchange.connections(), 2U);
}

TEST(AnExchangeWhoseClockCannotBeRead, GetsSignaturesByOurs) {
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::Answer{.to = fault::Answer::To::rest,
                               .bytes = "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"account.orderUpdate"}));
  EXPECT_TRUE(exchange.wait_for_subscription("account.orderUpdate")) << bridge.log();
}

TEST(AnExchangeWhoseClockDoesNotAnswer, DelaysNoPublicStream) {
  SimulatedExchange exchange(ExchangeOptions{});
  const LoopbackListener mute;  // it takes connections, and says nothing
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"account.orderUpdate", "trade.A"});
  config.upstream.rest_url = "https://127.0.0.1:" + std::to_string(mute.port());
  RunningBridge bridge(config);
  ASSERT_TRUE(exchange.wait_for_subscriptions(2)) << bridge.log();
  EXPECT_EQ(exchange.requests().front().params, std::vector<std::string>{"trade.A"});
}

}  // namespace
}  // namespace bpx::test
