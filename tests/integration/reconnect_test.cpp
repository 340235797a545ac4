#include "tests/support/running_bridge.hpp"
#include "tests/support/silent_listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
namespace fault = exchange::fault;
using exchange::ExchangeOptions;
using exchange::Fault;
using exchange::SimulatedExchange;
using testing::HasSubstr;
using testing::Not;
using Flag = proto::MessageHeader::Flag;

const std::vector<std::string> kStreams = {"trade.A", "depth.B", "account.orderUpdate"};

/// One way a connection can end, and the reason that must be named.
struct Ending {
  std::string name;
  std::function<void(SimulatedExchange&)> inflict;
  std::string reason;
  std::chrono::milliseconds idle_timeout = 1h;  ///< that nothing else ends it
};

void PrintTo(const Ending& ending, std::ostream* os) { *os << ending.name; }

std::function<void(SimulatedExchange&)> inflict(Fault fault) {
  return [fault = std::move(fault)](SimulatedExchange& exchange) { exchange.apply(fault); };
}

class Reconnect : public testing::TestWithParam<Ending> {};

TEST_P(Reconnect, SubscribesEverythingAnewWithAFreshSignature) {
  SimulatedExchange exchange(ExchangeOptions{.verifying_keys = {kPublicKey}});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, kStreams);
  config.upstream.idle_timeout_ms = static_cast<std::uint64_t>(GetParam().idle_timeout.count());
  config.upstream.max_message_bytes = 100'000;
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(kStreams.size()));
  exchange.publish("trade.A", "1");
  const auto before = consumer.next();
  ASSERT_TRUE(before);

  GetParam().inflict(exchange);
  const auto disconnected = consumer.wait_for_status(R"("event":"disconnected")");
  ASSERT_TRUE(disconnected);
  EXPECT_THAT(disconnected->payload, HasSubstr("\"reason\":\"" + GetParam().reason + '"'))
      << bridge.log();
  EXPECT_THAT(disconnected->payload, HasSubstr("\"retry_ms\":"));
  const auto connected = consumer.wait_for_status(R"("event":"connected")");
  ASSERT_TRUE(connected);
  EXPECT_THAT(connected->payload, HasSubstr(R"("state":"live","connection":2)"));
  ASSERT_TRUE(exchange.wait_for_connections(2));
  ASSERT_TRUE(exchange.wait_for_subscriptions(kStreams.size()));

  exchange.publish("trade.A", "2");
  const auto after = consumer.next();
  ASSERT_TRUE(after);
  EXPECT_EQ(after->payload, R"({"data":2,"stream":"trade.A"})");
  EXPECT_EQ(after->header.sequence, before->header.sequence + 1);
  EXPECT_EQ(after->header.connection, 2U);
  EXPECT_EQ(after->header.flags, Flag::first_on_connection);
  EXPECT_EQ(after->header.epoch_us, before->header.epoch_us);

  std::set<std::string> timestamps;
  for (const auto& request : exchange.requests())
    if (!request.signature.empty()) timestamps.insert(request.signature[2]);
  EXPECT_EQ(timestamps.size(), 2U) << "a signature was used again";
}

INSTANTIATE_TEST_SUITE_P(
    AfterEachEnd, Reconnect,
    testing::Values(Ending{"TcpReset", inflict(fault::Drop{.reset = true}), "reset"},
                    Ending{"TcpEnd", inflict(fault::Drop{.reset = false}), "reset"},
                    Ending{"CloseGoingAway", inflict(fault::Close{.code = 1001}), "closed"},
                    Ending{"CloseNormal", inflict(fault::Close{.code = 1000}), "closed"},
                    Ending{"CloseServiceRestart",
                           inflict(fault::Close{.code = 1012, .reason = "restart"}), "closed"},
                    Ending{"ShutdownOfTheExchange", inflict(fault::Shutdown{}), "closed"},
                    // Long enough for pongs to come in time before.
                    Ending{"SilenceWithoutPongs", inflict(fault::Deaf{.mute = true}), "idle", 12s},
                    Ending{"MessageTooBig",
                           inflict(fault::Huge{.bytes = 200'000, .stream = "depth.B"}),
                           "oversized"},
                    Ending{"BytesThatAreNoFrame",
                           inflict(fault::Garbage{.text = std::string(200, '\xff'),
                                                  .layer = fault::Garbage::Layer::bytes}),
                           "protocol"}),
    [](const auto& ending) { return ending.param.name; });

/// Flag 2 after a reconnect, of streams with each kind of ids, is exactly what the ids say.
TEST(Reconnecting, MarksWhatWasMissedMeanwhileAndNothingWhereTheIdsProveThatNothingWas) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  const std::vector<std::string> streams = {"trade.A", "trade.B", "depth.A", "depth.B",
                                            "bookTicker.A"};
  RunningBridge bridge(test_config(exchange, directory, streams));
  ReadySubscriber consumer(bridge.public_endpoint());
  const auto say = [&](std::uint64_t trade_a, std::uint64_t trade_b, std::uint64_t depth_a,
                       std::uint64_t depth_b) {
    const auto trade = [](std::uint64_t id) { return R"({"t":)" + std::to_string(id) + '}'; };
    const auto depth = [](std::uint64_t id) {
      return R"({"U":)" + std::to_string(id) + R"(,"a":[],"b":[],"u":)" + std::to_string(id + 2) +
             '}';
    };
    exchange.publish("trade.A", trade(trade_a));
    exchange.publish("trade.B", trade(trade_b));
    exchange.publish("depth.A", depth(depth_a));
    exchange.publish("depth.B", depth(depth_b));
    exchange.publish("bookTicker.A", R"({"u":7})");
    std::map<std::string, unsigned> flags;
    for (const auto& message : consumer.take(streams.size()))
      flags[message.topic] = message.header.flags;
    return flags;
  };
  const auto reconnect = [&](std::size_t connection) {
    exchange.apply(fault::Drop{});
    ASSERT_TRUE(consumer.wait_for_status(R"("event":"connected")"));
    ASSERT_TRUE(exchange.wait_for_connections(connection));
    ASSERT_TRUE(exchange.wait_for_subscriptions(streams.size()));
  };
  const unsigned first = Flag::first_on_connection;
  const unsigned missed = Flag::first_on_connection | Flag::gap_before;
  const auto flags_of = [&](unsigned trade_a, unsigned trade_b, unsigned depth_a, unsigned depth_b,
                            unsigned ticker) {
    return std::map<std::string, unsigned>{{"trade.A", trade_a},
                                           {"trade.B", trade_b},
                                           {"depth.A", depth_a},
                                           {"depth.B", depth_b},
                                           {"bookTicker.A", ticker}};
  };

  ASSERT_TRUE(exchange.wait_for_subscriptions(streams.size()));
  EXPECT_EQ(say(1, 1, 10, 10), flags_of(first, first, first, first, first));
  reconnect(2);
  EXPECT_EQ(say(2, 2, 13, 13), flags_of(first, first, first, first, first)) << "nothing was missed";
  EXPECT_EQ(bridge.metric(R"(sequence_gaps_total{stream="depth.A"})"), 0);
  reconnect(3);
  EXPECT_EQ(say(3, 5, 16, 20), flags_of(first, missed, first, missed, first))
      << "trades 3 and 4 of B, and updates 16 to 19";
  EXPECT_EQ(bridge.metric(R"(sequence_missing_total{stream="trade.B"})"), 2);
  EXPECT_EQ(bridge.metric(R"(sequence_missing_total{stream="depth.B"})"), 4);
  EXPECT_EQ(bridge.metric(R"(sequence_gaps_total{stream="trade.A"})"), 0);
  EXPECT_EQ(say(4, 6, 19, 23), flags_of(0, 0, 0, 0, 0));
  reconnect(4);
  EXPECT_EQ(say(5, 7, 22, 26), flags_of(first, first, first, first, first))
      << "a gap marks one message alone";
}

TEST(Reconnecting, ReturnsAtOnceAfterACleanClose) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.backoff_initial_ms = config.upstream.backoff_max_ms = 3'600'000;
  RunningBridge bridge(config);
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.apply(fault::Close{.code = 1001});
  EXPECT_TRUE(exchange.wait_for_connections(2));
}

TEST(Reconnecting, AsksForEverythingAgainWhereTheExchangeClosesInTheMiddleOfTheRequests) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  std::vector<std::string> streams;
  for (int i = 0; i < 3'000; ++i) streams.push_back("trade.S" + std::to_string(i));
  auto config = test_config(exchange, directory, streams);
  config.upstream.subscribe_batch = 2;
  RunningBridge bridge(config);
  ASSERT_TRUE(exchange.wait_for_subscriptions(1));
  exchange.apply(fault::Close{});
  ASSERT_TRUE(bridge.wait_for_log("disconnected reason=closed")) << bridge.log();
  EXPECT_TRUE(exchange.wait_for_subscriptions(streams.size())) << bridge.log();
}

TEST(Reconnecting, GoesOnForAsLongAsTheExchangeRefuses) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  exchange.apply(fault::Refuse{});
  exchange.apply(fault::Drop{});
  ASSERT_TRUE(bridge.wait_for_log("attempt=8")) << bridge.log();
  EXPECT_THAT(bridge.log(), Not(HasSubstr("attempt=7")));
  EXPECT_THAT(bridge.log(), HasSubstr("connect failed result=tcp"));
  EXPECT_TRUE(consumer.wait_for_status(R"("event":"heartbeat","state":"down","connection":1)"));
  exchange.apply(fault::Heal{});
  EXPECT_TRUE(exchange.wait_for_subscription("trade.A"));
}

/// A certificate, what is said of it, and what to do.
struct Refusal {
  fault::Certificate::Kind kind;
  std::string words;
  std::string mend;
};

void PrintTo(const Refusal& refusal, std::ostream* os) { *os << refusal.words; }

class RefusedCertificate : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedCertificate, IsNamedWithItsMendAndTheBridgeConnectsOnceItIsGood) {
  const auto& [kind, words, mend] = GetParam();
  SimulatedExchange exchange(ExchangeOptions{});
  exchange.apply(fault::Certificate{.kind = kind});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ASSERT_TRUE(bridge.wait_for_log("connect failed result=tls")) << bridge.log();
  EXPECT_THAT(bridge.log(), HasSubstr("certificate refused: " + words));
  EXPECT_THAT(bridge.log(), HasSubstr("; " + mend));
  EXPECT_EQ(exchange.connections(), 0U);
  exchange.apply(fault::Heal{});
  EXPECT_TRUE(exchange.wait_for_subscription("trade.A"));
}

INSTANTIATE_TEST_SUITE_P(
    OfEachKind, RefusedCertificate,
    testing::Values(
        Refusal{fault::Certificate::Kind::expired, "certificate has expired",
                "check this machine's clock"},
        Refusal{fault::Certificate::Kind::wrong_host, "hostname mismatch",
                "the certificate is another host's: check upstream.url"},
        Refusal{fault::Certificate::Kind::self_signed, "self-signed certificate",
                "nobody trusted vouches for it: install ca-certificates, or name a trust anchor in "
                "upstream.ca_file"}),
    [](const auto& certificate) { return exchange::to_string(certificate.param.kind); });

TEST(Connecting, RefusesACertificateThatNobodyTrustedVouchesFor) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.ca_file.clear();
  RunningBridge bridge(config);
  EXPECT_TRUE(bridge.wait_for_log("upstream.ca_file")) << bridge.log();
  EXPECT_EQ(exchange.connections(), 0U);
}

TEST(Connecting, NamesAHostThatCannotBeFound) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  // No name can have a part of 64 letters: it is refused without asking any server.
  config.upstream.url = "wss://" + std::string(64, 'a') + ".example";
  RunningBridge bridge(config);
  EXPECT_TRUE(bridge.wait_for_log("connect failed result=dns")) << bridge.log();
}

TEST(Connecting, TellsTheServerWhichHostItWantsAndOffersNoTlsBefore12) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  const SilentListener listener;
  config.upstream.url = "wss://localhost:" + std::to_string(listener.port());
  RunningBridge bridge(config);
  const auto hello = listener.first_words();
  ASSERT_FALSE(hello.empty());
  // server_name (RFC 6066): extension 0, then lengths, type host_name, length and name.
  EXPECT_THAT(hello, HasSubstr(std::string("\0\0\0\x0e\0\x0c\0\0\x09localhost", 18)));
  // supported_versions (RFC 8446): extension 43; 1.3 and 1.2 alone.
  EXPECT_THAT(hello, HasSubstr(std::string("\0\x2b\0\x05\x04\x03\x04\x03\x03", 9)));
}

TEST(Connecting, GivesUpOnAnExchangeThatDoesNotFinishTheHandshakeInTime) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.connect_timeout_ms = 100;
  const SilentListener listener;
  config.upstream.url = "wss://127.0.0.1:" + std::to_string(listener.port());
  RunningBridge bridge(config);
  EXPECT_TRUE(bridge.wait_for_log("connect failed result=timeout")) << bridge.log();
}

TEST(Connecting, StopsInTheMiddleOfAnAttempt) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"trade.A"});
  config.upstream.connect_timeout_ms = 3'600'000;
  config.publish.linger_ms = kLingerMs;
  const SilentListener listener;
  config.upstream.url = "wss://127.0.0.1:" + std::to_string(listener.port());
  RunningBridge bridge(config);
  ReadySubscriber consumer(bridge.public_endpoint());
  bridge.stop();
  EXPECT_TRUE(consumer.wait_for_status("shutdown"));
}

TEST(Liveness, AnswersThePingsOfTheExchange) {
  SimulatedExchange exchange(ExchangeOptions{.ping_interval = 20ms, .pong_timeout = 1h});
  const TemporaryDirectory directory;
  RunningBridge bridge(test_config(exchange, directory, {"trade.A"}));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscription("trade.A"));
  ASSERT_TRUE(comes_true([&] {
    exchange.publish("trade.A", "{}");
    EXPECT_TRUE(consumer.next()) << "between the pings";
    return exchange.counters().pongs_received >= 10;
  }));
  EXPECT_EQ(exchange.connections(), 1U);
  EXPECT_EQ(exchange.counters().pong_timeouts, 0U);
}

TEST(Liveness, IsNotDoubtedWhereTheExchangePingsThoughItHasNothingToSay) {
  SimulatedExchange exchange(ExchangeOptions{.ping_interval = 250ms, .pong_timeout = 1h});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"liquidation"});
  config.upstream.idle_timeout_ms = 12'000;
  RunningBridge bridge(config);
  // Beyond the timeout.
  ASSERT_TRUE(
      exchange.wait_for([](const auto& counters) { return counters.pongs_received >= 60; }));
  EXPECT_TRUE(bridge.wait_for_page("/readyz", R"("ready":true)")) << bridge.page("/readyz");
  EXPECT_EQ(exchange.connections(), 1U);
}

TEST(Liveness, PingsAQuietExchangeAndKeepsTheConnectionWhileItAnswers) {
  SimulatedExchange exchange(ExchangeOptions{});
  const TemporaryDirectory directory;
  auto config = test_config(exchange, directory, {"liquidation"});
  config.upstream.idle_timeout_ms = 12'000;  // in half of which a pong comes
  RunningBridge bridge(config);
  // One at the beginning, then two within each timeout.
  ASSERT_TRUE(exchange.wait_for([](const auto& counters) { return counters.pings_received >= 3; }));
  EXPECT_EQ(exchange.connections(), 1U);
}

/// What the exchange's ledger has of each connection, in order; answers left out.
std::map<std::uint64_t, std::vector<std::string>> sent_by_connection(
    const SimulatedExchange& exchange) {
  std::map<std::uint64_t, std::vector<std::string>> sent;
  for (auto& frame : exchange.sent())
    if (!frame.stream.empty()) sent[frame.connection].push_back(std::move(frame.text));
  return sent;
}

/// That `received` is what was `sent` from its first on: all of it, or up to where the connection
/// broke and what was still on its way was lost with it.
void expect_as_sent(const std::vector<std::string>& received, const std::vector<std::string>& sent,
                    bool is_broken) {
  const auto [one, other] = std::ranges::mismatch(received, sent);
  EXPECT_EQ(one - received.begin(), std::ssize(received))
      << "something came that was not sent in this order: " << *one;
  if (!is_broken) {
    EXPECT_EQ(other - sent.begin(), std::ssize(sent)) << "this did not come: " << *other;
  }
}

TEST(Liveness, LosesReordersAndRepeatsNothingWhenTheConnectionDropsUnderLoad) {
  // However long it takes, nothing that was sent is forgotten.
  SimulatedExchange exchange(
      ExchangeOptions{.market = exchange::MarketOptions{}, .record_limit = std::size_t{1} << 24U});
  const TemporaryDirectory directory;
  const std::vector<std::string> streams = {"trade.SOL_USDC", "depth.SOL_USDC", "depth.BTC_USDC",
                                            "bookTicker.SOL_USDC", "bookTicker.BTC_USDC"};
  RunningBridge bridge(test_config(exchange, directory, streams));
  ReadySubscriber consumer(bridge.public_endpoint());
  ASSERT_TRUE(exchange.wait_for_subscriptions(streams.size()));
  exchange.apply(fault::Rate{.per_second = 5'000});
  constexpr std::uint32_t kDrops = 5;
  std::map<std::uint64_t, std::vector<std::string>> received;
  std::uint32_t connection = 1;
  const auto receive = [&] {
    auto message = consumer.next();
    EXPECT_TRUE(message) << bridge.log();
    if (!message) return std::string();
    EXPECT_GE(message->header.connection, connection) << "from a connection that had ended";
    connection = message->header.connection;
    received[connection].push_back(std::move(message->payload));
    return received[connection].back();
  };
  for (std::uint32_t drops = 0; drops <= kDrops; ++drops) {
    if (drops > 0) exchange.apply(fault::Drop{});
    while (connection <= drops) ASSERT_NE(receive(), "");
    for (int i = 0; i < 2'000; ++i) ASSERT_NE(receive(), "");
  }

  // The market stands still, and one frame more goes behind all that it has said: once that has
  // come and is in the ledger, nothing is on its way any more. (A frame is entered in the ledger
  // after it was written, when it may have been received already.)
  exchange.apply(fault::Rate{.per_second = 0});
  ASSERT_TRUE(exchange.wait_for_subscriptions(streams.size()));
  exchange.publish(streams.front(), R"({"is_last":true})");
  const auto last = R"({"data":{"is_last":true},"stream":")" + streams.front() + R"("})";
  for (std::string text; text != last;) {
    text = receive();
    ASSERT_NE(text, "");
  }
  ASSERT_TRUE(exchange.wait_for_sent(last));

  const auto sent = sent_by_connection(exchange);
  ASSERT_EQ(received.size(), kDrops + 1);
  ASSERT_EQ(sent.size(), received.size());
  for (const auto& [number, texts] : received) {
    SCOPED_TRACE("connection " + std::to_string(number));
    ASSERT_TRUE(sent.contains(number));
    expect_as_sent(texts, sent.at(number), /*is_broken=*/number <= kDrops);
  }
}

}  // namespace
}  // namespace bpx::test
