#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <utility>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::Frame;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using Flag = proto::MessageHeader::Flag;

/// What the exchange has sent of streams, without errors and acknowledgements.
std::vector<exchange::SentFrame> data_sent(const SimulatedExchange& exchange) {
  auto frames = exchange.sent();
  std::erase_if(frames, [](const auto& frame) { return frame.stream.empty(); });
  return frames;
}

TEST(Carry, PublishesWhatTheExchangeSendsByteForByteInOrderOverAllTopics) {
  constexpr std::size_t kStreams = 50;
  constexpr std::size_t kFrames = 20'000;
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  std::vector<std::string> streams;
  for (std::size_t i = 0; i < kStreams; ++i)
    streams.push_back((i % 5 == 0 ? "depth.200ms.S" : "trade.S") + std::to_string(i));
  RunningBridge bridge(test_config(exchange, directory, streams));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(kStreams));

  std::mt19937_64 random(7);
  std::vector<Frame> frames;
  for (std::size_t i = 0; i < kFrames; ++i)
    frames.push_back({streams[random() % kStreams],
                      R"({"E":)" + std::to_string(1'736'186'248'745'457 + i) + R"(,"x":")" +
                          std::string(random() % (i % 100 == 0 ? 50'000 : 300), 'y') + "\"}"});
  exchange.publish_all(frames);

  const auto received = consumer.take(kFrames);
  ASSERT_TRUE(exchange.wait_for_sent(kFrames)) << "what is received may not be noted yet";
  const auto sent = data_sent(exchange);
  ASSERT_EQ(received.size(), kFrames);
  ASSERT_EQ(sent.size(), kFrames);
  std::map<std::string, std::uint64_t> sequences;
  std::int64_t last_received_ns = 0;
  for (std::size_t i = 0; i < kFrames; ++i) {
    const auto& header = received[i].header;
    ASSERT_EQ(received[i].topic, sent[i].stream) << i;
    ASSERT_EQ(received[i].payload, sent[i].text) << i;
    const auto sequence = ++sequences[received[i].topic];
    ASSERT_EQ(header.sequence, sequence) << i;
    ASSERT_EQ(header.flags, sequence == 1 ? Flag::first_on_connection : 0) << i;
    ASSERT_EQ(header.connection, 1U);
    ASSERT_EQ(header.event_ns, static_cast<std::int64_t>(1'736'186'248'745'457 + i) * 1000);
    ASSERT_GE(header.received_ns, last_received_ns);
    ASSERT_GE(header.sent_ns, header.received_ns);
    last_received_ns = header.received_ns;
  }
}

TEST(Carry, CarriesEveryStreamOfAMovingMarket) {
  SimulatedExchange exchange({.market = exchange::MarketOptions{}, .rate = 2'000});
  const TemporaryDirectory directory;
  const std::vector<std::string> streams = {
      "bookTicker.SOL_USDC", "depth.SOL_USDC",          "depth.200ms.SOL_USDC",   "trade.SOL_USDC",
      "ticker.SOL_USDC",     "markPrice.SOL_USDC_PERP", "bookTicker.AAPL.US_USDC"};
  RunningBridge bridge(test_config(exchange, directory, streams));
  ReadySubscriber consumer(bridge.public_endpoint());
  std::map<std::string, std::size_t> seen;
  const auto end = std::chrono::steady_clock::now() + kDeadline;
  while (seen.size() < streams.size()) {
    ASSERT_LT(std::chrono::steady_clock::now(), end) << testing::PrintToString(seen);
    const auto message = consumer.next();
    ASSERT_TRUE(message) << "only " << seen.size() << " streams came";
    ++seen[message->topic];
    EXPECT_NE(message->payload.find("\"stream\":\"" + message->topic + '"'), std::string::npos);
    EXPECT_GT(message->header.event_ns, 0);
  }
}

TEST(Carry, KeepsAccountDataOnThePrivateEndpoint) {
  SimulatedExchange exchange(ExchangeOptions{.verifying_keys = {kPublicKey}});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(
      exchange, directory, {"trade.SOL_USDC", "account.orderUpdate", "account.balanceUpdate"}));
  ReadySubscriber everyone(bridge.public_endpoint());
  ReadySubscriber owner(bridge.private_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(3));

  for (int i = 0; i < 100; ++i) {
    exchange.publish("account.orderUpdate", R"({"i":")" + std::to_string(i) + "\"}");
    exchange.publish("trade.SOL_USDC", R"({"t":)" + std::to_string(i) + "}");
    exchange.publish("account.balanceUpdate", R"({"A":")" + std::to_string(i) + "\"}");
  }
  exchange.publish("trade.SOL_USDC", R"("last")");
  const auto orders = owner.take(200);
  ASSERT_EQ(orders.size(), 200U);
  for (std::size_t i = 0; i < 200; ++i) {
    EXPECT_EQ(orders[i].topic, i % 2 == 0 ? "account.orderUpdate" : "account.balanceUpdate");
    EXPECT_EQ(orders[i].header.sequence, i / 2 + 1);
  }
  const auto trades = everyone.take(101);
  ASSERT_EQ(trades.size(), 101U);
  EXPECT_NE(trades.back().payload.find("last"), std::string::npos);
  for (const auto& trade : trades) EXPECT_EQ(trade.topic, "trade.SOL_USDC");
  EXPECT_FALSE(owner.next(0ms));
}

TEST(Carry, TellsTheOwnerAloneWhatTheExchangeSaysOfTheAccount) {
  SimulatedExchange exchange(ExchangeOptions{.verifying_keys = {kPublicKey}});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A", "account.orderUpdate"}));
  ReadySubscriber everyone(bridge.public_endpoint());
  ReadySubscriber owner(bridge.private_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(2));
  exchange.apply(exchange::fault::Close{.code = 1008, .reason = "too many: account.orderUpdate"});
  const auto in_full = owner.wait_for_status(R"("event":"disconnected")");
  ASSERT_TRUE(in_full);
  EXPECT_THAT(in_full->payload, HasSubstr("too many: account.orderUpdate"));
  const auto in_public = everyone.wait_for_status(R"("event":"disconnected")");
  ASSERT_TRUE(in_public);
  EXPECT_THAT(in_public->payload, HasSubstr(R"("code":1008)"));
  EXPECT_THAT(in_public->payload, Not(HasSubstr("account.")));
}

TEST(Carry, SignsPrivateRequestsAloneAndOnTime) {
  SimulatedExchange exchange(ExchangeOptions{.verifying_keys = {kPublicKey}});
  const TemporaryDirectory directory;
  RunningBridge bridge(
      test_config(exchange, directory, {"trade.A", "account.orderUpdate", "account.rfqUpdate.A"}));
  ASSERT_TRUE(exchange.wait_for_subscriptions(3));
  auto requests = exchange.requests();
  ASSERT_EQ(requests.size(), 2U);
  if (requests[1].signature.empty()) std::swap(requests[0], requests[1]);  // in either order
  EXPECT_THAT(requests[0].params, UnorderedElementsAre("trade.A"));
  EXPECT_THAT(requests[0].signature, IsEmpty());
  EXPECT_THAT(requests[1].params,
              UnorderedElementsAre("account.orderUpdate", "account.rfqUpdate.A"));
  ASSERT_EQ(requests[1].signature.size(), 4U);
  EXPECT_EQ(requests[1].signature[0], kPublicKey);
  const auto signed_ms = std::stoll(requests[1].signature[2]);
  EXPECT_LE(std::abs(requests[1].received_us / 1000 - signed_ms), 60'000);
  EXPECT_EQ(requests[1].signature[3], "60000");
}

TEST(Carry, CarriesWhatNobodyRequestedButNothingIntoItsOwnTopics) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.apply(exchange::fault::Unsolicited{.stream = "bridge.status", .data = "{}"});
  exchange.apply(exchange::fault::Garbage{});
  exchange.apply(exchange::fault::Unsolicited{.stream = "new.kind", .data = "[1]"});
  const auto message = consumer.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->topic, "new.kind");
  EXPECT_EQ(message->payload, R"({"data":[1],"stream":"new.kind"})");
  EXPECT_TRUE(bridge.wait_for_log("malformed message"));
  for (const auto& status : consumer.status())
    EXPECT_TRUE(status.payload.starts_with(R"({"event":)")) << status.payload;
}

TEST(Carry, SaysWhichEndpointIsMissingForWhatComesUnasked) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"account.orderUpdate"});
  config.publish.public_.bind.clear();
  RunningBridge without_public(config);
  ASSERT_TRUE(exchange.wait_for_subscription("account.orderUpdate"));
  exchange.apply(exchange::fault::Unsolicited{.stream = "new.kind", .data = "[1]"});
  EXPECT_TRUE(without_public.wait_for_log(
      "public data withheld stream=new.kind reason=\"publish.public.bind is empty\""))
      << without_public.log();
  without_public.stop();

  config = test_config(exchange, directory, {"trade.A"});
  config.publish.private_.bind.clear();
  RunningBridge without_private(config);
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.apply(exchange::fault::Unsolicited{.stream = "account.new", .data = "[1]"});
  EXPECT_TRUE(without_private.wait_for_log(
      "account data withheld stream=account.new reason=\"publish.private.bind is empty\""))
      << without_private.log();
}

TEST(Carry, AppendsTheTopicTerminatorToEveryTopic) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.SOL_USDC", "trade.SOL_USDC_PERP"});
  config.publish.topic_terminator = "|";
  RunningBridge bridge(config);
  Subscriber consumer(bridge.public_endpoint(), {"trade.SOL_USDC|", "bridge.status|"});
  const auto heartbeat = consumer.receive();
  ASSERT_TRUE(heartbeat);
  EXPECT_EQ(heartbeat->topic, "bridge.status|");
  ASSERT_TRUE(exchange.wait_for_subscriptions(2));
  exchange.publish("trade.SOL_USDC_PERP", "1");
  exchange.publish("trade.SOL_USDC", "2");
  for (;;) {
    const auto message = consumer.receive();
    ASSERT_TRUE(message);
    if (message->topic.starts_with("bridge.")) continue;
    EXPECT_EQ(message->topic, "trade.SOL_USDC|");
    EXPECT_EQ(message->payload, R"({"data":2,"stream":"trade.SOL_USDC"})");
    break;
  }
}

TEST(Carry, NegotiatesCompressionWhereAskedAndLosesNothingByIt) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"depth.A"});
  config.upstream.compression = true;
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("depth.A"));
  EXPECT_TRUE(exchange.deflate_negotiated());
  std::vector<std::string> sent;
  for (std::size_t size : {0U, 1U, 100U, 5'000U, 100'000U, 1'000'000U}) {
    sent.push_back('"' + std::string(size, 'z') + '"');
    exchange.publish("depth.A", sent.back());
  }
  const auto received = consumer.take(6);
  ASSERT_EQ(received.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i)
    EXPECT_EQ(received[i].payload, R"({"data":)" + sent[i] + R"(,"stream":"depth.A"})");
}

TEST(Carry, DoesNotOfferCompressionUnasked) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"depth.A"}));
  ASSERT_TRUE(exchange.wait_for_subscription("depth.A"));
  EXPECT_FALSE(exchange.deflate_negotiated());
}

TEST(Carry, WorksWithoutTlsOnLoopback) {
  SimulatedExchange exchange(ExchangeOptions{.tls = false});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.publish("trade.A", "{}");
  EXPECT_TRUE(consumer.next());
}

TEST(Carry, SubscribesToTenThousandStreams) {
  constexpr std::size_t kStreams = 10'000;
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  std::vector<std::string> streams;
  for (std::size_t i = 0; i < kStreams; ++i) streams.push_back("bookTicker.S" + std::to_string(i));
  RunningBridge bridge(test_config(exchange, directory, streams));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(kStreams));
  std::vector<Frame> frames;
  for (const auto& stream : streams) frames.push_back({stream, "{}"});
  exchange.publish_all(frames);
  const auto received = consumer.take(kStreams);
  ASSERT_EQ(received.size(), kStreams);
  for (std::size_t i = 0; i < kStreams; ++i) ASSERT_EQ(received[i].topic, streams[i]);
}

TEST(Carry, SaysGoodbyeToEveryoneOnShutdown) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A", "account.orderUpdate"});
  config.publish.linger_ms = kLingerMs;
  RunningBridge bridge(config);
  ReadySubscriber everyone(bridge.public_endpoint());
  ReadySubscriber owner(bridge.private_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(2));
  bridge.stop();
  EXPECT_TRUE(everyone.wait_for_status(R"("event":"shutdown")"));
  EXPECT_TRUE(owner.wait_for_status(R"("event":"shutdown")"));
  EXPECT_TRUE(exchange.wait_for_open_connections(0));
  EXPECT_EQ(exchange.client_close_code(), 1000);
}

}  // namespace
}  // namespace bpx::test
