#include "bridge/relay/relay.hpp"

#include "tests/support/padded.hpp"
#include "tests/support/subscriber.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;
using Outcome = Relayed::Outcome;
using Flag = proto::MessageHeader::Flag;

constexpr std::uint64_t kEpoch = 77;
constexpr std::int64_t kReceived = 1'700'000'000'000'000'000;

/// Just now, but by a wall clock of our own.
Moment received() { return {.unix_ns = kReceived, .steady_ns = steady_ns()}; }

/// Waits until the consumer is subscribed, which ZeroMQ does not tell it.
void await(Publisher& publisher, Audience audience, test::Subscriber& subscriber) {
  EXPECT_TRUE(test::comes_true([&] {
    publisher.publish(audience, "ready", "", {});
    return subscriber.receive(10ms).has_value();
  }));
  publisher.publish(audience, "begin", "", {});
  for (auto message = subscriber.receive(); message && message->topic != "begin";)
    message = subscriber.receive();
}

class RelayTest : public testing::Test {
 protected:
  RelayTest() { relay_.begin_connection(1); }

  Relayed accept(std::string_view text) {
    const test::Padded message(text);
    return relay_.accept(message.view(), received());
  }

  void await(test::Subscriber& subscriber) { bridge::await(publisher_, audience_, subscriber); }

  test::Message next(test::Subscriber& subscriber) {
    auto message = subscriber.receive();
    EXPECT_TRUE(message);
    return message.value_or(test::Message{});
  }

  Audience audience_ = Audience::everyone;
  Log log_{{.sink = [](LogLevel, std::string_view) {}}};
  Measurements measurements_{{"trade.SOL_USDC", "account.orderUpdate"}};
  Publisher publisher_{
      {.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {"tcp://127.0.0.1:0"}, .linger = 0ms},
      measurements_,
      log_};
  History history_{{}};
  StreamTable streams_{{"trade.SOL_USDC", "account.orderUpdate"}, "", measurements_, history_};
  Relay relay_{kEpoch, streams_, publisher_, measurements_};
};

TEST_F(RelayTest, PublishesTheMessageByteForByteWithItsHeader) {
  test::Subscriber consumer(publisher_.endpoints(Audience::everyone).front());
  await(consumer);
  const std::string text =
      R"( {"stream":"trade.SOL_USDC", "data":{"E":1736186248745457,"t":1,"e":"tr\u0061de"}} )";
  const auto relayed = accept(text);
  EXPECT_EQ(relayed.outcome, Outcome::published);
  EXPECT_TRUE(relayed.is_first_of_stream);
  const auto message = next(consumer);
  EXPECT_EQ(message.topic, "trade.SOL_USDC");
  EXPECT_EQ(message.payload, text);
  EXPECT_EQ(message.header.flags, Flag::first_on_connection);
  EXPECT_EQ(message.header.connection, 1U);
  EXPECT_EQ(message.header.epoch_us, kEpoch);
  EXPECT_EQ(message.header.sequence, 1U);
  EXPECT_EQ(message.header.received_ns, kReceived);
  EXPECT_EQ(message.header.event_ns, 1'736'186'248'745'457'000);
  EXPECT_GT(message.header.sent_ns, 0);
}

TEST_F(RelayTest, CountsEachStreamOnAcrossConnections) {
  test::Subscriber consumer(publisher_.endpoints(Audience::everyone).front());
  await(consumer);
  accept(R"({"data":{},"stream":"trade.SOL_USDC"})");
  accept(R"({"data":{},"stream":"trade.SOL_USDC"})");
  accept(R"({"data":{},"stream":"new.kind"})");
  relay_.begin_connection(2);
  accept(R"({"data":{},"stream":"trade.SOL_USDC"})");
  accept(R"({"data":{},"stream":"trade.SOL_USDC"})");

  struct Expected {
    std::string topic;
    std::uint64_t sequence;
    std::uint32_t connection;
    std::uint16_t flags;
  };
  for (const auto& expected :
       {Expected{"trade.SOL_USDC", 1, 1, Flag::first_on_connection},
        Expected{"trade.SOL_USDC", 2, 1, 0}, Expected{"new.kind", 1, 1, Flag::first_on_connection},
        Expected{"trade.SOL_USDC", 3, 2, Flag::first_on_connection},
        Expected{"trade.SOL_USDC", 4, 2, 0}}) {
    const auto message = next(consumer);
    EXPECT_EQ(message.topic, expected.topic);
    EXPECT_EQ(message.header.sequence, expected.sequence);
    EXPECT_EQ(message.header.connection, expected.connection);
    EXPECT_EQ(message.header.flags, expected.flags);
  }
}

TEST_F(RelayTest, IsNotMisledByWhatItForesaw) {
  test::Subscriber consumer(publisher_.endpoints(Audience::everyone).front());
  await(consumer);
  constexpr auto kOfA = R"({"data":{"a":1},"stream":"new.A"})";
  constexpr auto kOfB = R"({"stream":"new.B","data":"new.A"})";
  for (const auto* text : {kOfA, kOfB, kOfA, kOfB}) {
    relay_.foresee(kOfA);
    relay_.foresee(kOfB);  // whose stream is not where it is looked for
    accept(text);
  }
  for (const auto* stream : {"new.A", "new.B", "new.A", "new.B"})
    EXPECT_EQ(next(consumer).topic, stream);
  relay_.foresee("");
  relay_.foresee(R"("})");
  relay_.foresee("}");
  EXPECT_EQ(accept(kOfA).outcome, Outcome::published);
}

TEST_F(RelayTest, MarksTheFirstMessageOfASubscriptionAndNotTheLastOfTheOneBefore) {
  constexpr auto kStream = "trade.SOL_USDC";
  constexpr auto kText = R"({"data":{},"stream":"trade.SOL_USDC"})";
  test::Subscriber consumer(publisher_.endpoints(Audience::everyone).front());
  await(consumer);
  const auto flags_of_next = [&] {
    accept(kText);
    return next(consumer).header.flags;
  };
  relay_.note_state(kStream, StreamState::requested);
  EXPECT_EQ(flags_of_next(), Flag::first_on_connection);
  relay_.note_state(kStream, StreamState::live);
  relay_.note_state(kStream, std::nullopt);
  EXPECT_EQ(flags_of_next(), 0) << "the exchange has not obeyed yet";
  relay_.note_state(kStream, StreamState::requested);
  EXPECT_EQ(flags_of_next(), Flag::first_on_connection);
  EXPECT_EQ(flags_of_next(), 0);
}

TEST_F(RelayTest, PublishesAccountDataOnThePrivateEndpointAlone) {
  test::Subscriber everyone(publisher_.endpoints(Audience::everyone).front());
  test::Subscriber owner(publisher_.endpoints(Audience::account).front());
  await(everyone);
  audience_ = Audience::account;
  await(owner);
  EXPECT_EQ(accept(R"({"data":{},"stream":"account.orderUpdate"})").outcome, Outcome::published);
  EXPECT_EQ(accept(R"({"data":{},"stream":"account\u002enever.requested"})").outcome,
            Outcome::published);
  EXPECT_EQ(accept(R"({"data":{},"stream":"trade.SOL_USDC"})").outcome, Outcome::published);
  EXPECT_EQ(next(owner).topic, "account.orderUpdate");
  EXPECT_EQ(next(owner).topic, "account.never.requested");
  EXPECT_EQ(next(everyone).topic, "trade.SOL_USDC");
  EXPECT_FALSE(owner.receive(0ms));
}

TEST(RelayWithoutPrivateEndpoint, WithholdsAccountDataFromEveryone) {
  Log log({.sink = [](LogLevel, std::string_view) {}});
  Measurements measurements({});
  Publisher publisher({.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {}}, measurements,
                      log);
  History history({});
  StreamTable streams({}, "", measurements, history);
  Relay relay(kEpoch, streams, publisher, measurements);
  const test::Padded message(R"({"data":{},"stream":"account.orderUpdate"})");
  test::Subscriber consumer(publisher.endpoints(Audience::everyone).front());
  await(publisher, Audience::everyone, consumer);
  EXPECT_EQ(relay.accept(message.view(), received()).outcome, Outcome::undelivered);
  const test::Padded next(R"({"data":{},"stream":"trade.SOL_USDC"})");
  EXPECT_EQ(relay.accept(next.view(), received()).outcome, Outcome::published);
  const auto received = consumer.receive();
  ASSERT_TRUE(received);
  EXPECT_EQ(received->topic, "trade.SOL_USDC") << "account data came before it";
}

TEST_F(RelayTest, KeepsAnswersAndMalformedMessagesFromConsumers) {
  test::Subscriber consumer(publisher_.endpoints(Audience::everyone).front());
  await(consumer);
  EXPECT_EQ(accept(R"({"id":null,"error":{"code":4006,"message":"m"}})").outcome, Outcome::answer);
  EXPECT_EQ(accept(R"({"id":1,"result":null})").outcome, Outcome::answer);
  EXPECT_EQ(accept("garbage").outcome, Outcome::malformed);
  EXPECT_EQ(accept(R"({"data":{},"stream":"bridge.status"})").outcome, Outcome::malformed);
  EXPECT_EQ(accept(R"({"data":{},"stream":"white space"})").outcome, Outcome::malformed);
  accept(R"({"data":{},"stream":"trade.SOL_USDC"})");
  EXPECT_EQ(next(consumer).topic, "trade.SOL_USDC");
}

TEST_F(RelayTest, FlagsAndCountsWhatTheExchangePassedOver) {
  test::Subscriber consumer(publisher_.endpoints(Audience::everyone).front());
  await(consumer);
  accept(R"({"data":{"t":1},"stream":"trade.SOL_USDC"})");
  accept(R"({"data":{"t":2},"stream":"trade.SOL_USDC"})");
  const auto relayed = accept(R"({"data":{"t":6},"stream":"trade.SOL_USDC"})");
  ASSERT_TRUE(relayed.gap);
  EXPECT_EQ(relayed.gap->expected, 3U);
  EXPECT_EQ(relayed.gap->got, 6U);
  EXPECT_EQ(next(consumer).header.flags, Flag::first_on_connection);
  EXPECT_EQ(next(consumer).header.flags, 0);
  const auto after = next(consumer);
  EXPECT_EQ(after.header.flags, Flag::gap_before);
  EXPECT_EQ(after.header.sequence, 3U) << "a topic's own sequence has no holes";
  EXPECT_EQ(measurements_.of("trade.SOL_USDC").gaps.value(), 1U);
  EXPECT_EQ(measurements_.of("trade.SOL_USDC").missing.value(), 3U);
}

TEST_F(RelayTest, FollowsEachAggregationOfADepthStreamByItsOwnIds) {
  const auto update = [this](const std::string& stream, int first, int last) {
    const auto relayed =
        accept(R"({"data":{"e":"depth","U":)" + std::to_string(first) + R"(,"u":)" +
               std::to_string(last) + R"(},"stream":")" + stream + R"("})");
    EXPECT_EQ(relayed.outcome, Outcome::published);
    return relayed.gap;
  };
  EXPECT_FALSE(update("depth.SOL_USDC", 1, 1));
  EXPECT_FALSE(update("depth.200ms.SOL_USDC", 1, 20));
  EXPECT_FALSE(update("depth.SOL_USDC", 2, 2));
  EXPECT_FALSE(update("depth.200ms.SOL_USDC", 21, 40));
  const auto gap = update("depth.200ms.SOL_USDC", 61, 80);
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->expected, 41U);
  EXPECT_EQ(gap->got, 61U);
  EXPECT_FALSE(update("depth.SOL_USDC", 3, 3));
  EXPECT_FALSE(update("depth.200ms.SOL_USDC", 81, 90));
}

TEST_F(RelayTest, MeasuresEachStreamByItself) {
  const std::string text = R"({"data":{"E":1699999999999000},"stream":"trade.SOL_USDC"})";
  accept(text);
  accept(text);
  accept(R"({"data":{},"stream":"new.kind"})");
  accept("garbage");
  const auto& trade = measurements_.of("trade.SOL_USDC");
  EXPECT_EQ(trade.messages.value(), 2U);
  EXPECT_EQ(trade.bytes.value(), 2 * text.size());
  EXPECT_EQ(trade.published.value(), 2U);
  EXPECT_EQ(trade.last_received_ns.value(), kReceived);
  EXPECT_GT(trade.last_received_steady_ns.value(), 0);
  EXPECT_LE(trade.last_received_steady_ns.value(), steady_ns());
  EXPECT_EQ(trade.lag.late.count(), 2U);
  EXPECT_EQ(trade.lag.late.sum_ns(), 2 * 1'000'000);
  EXPECT_EQ(measurements_.others().messages.value(), 1U);
  EXPECT_EQ(measurements_.upstream.malformed.value(), 1U);
  EXPECT_EQ(measurements_.forward.count(), 3U);
  EXPECT_EQ(measurements_.everyone.messages.value(), 3U);
  EXPECT_EQ(measurements_.account.messages.value(), 0U);
}

TEST_F(RelayTest, MeasuresItsOwnTimeByTheClockThatNobodySets) {
  accept(R"({"data":{},"stream":"trade.SOL_USDC"})");  // received by a wall clock years behind
  EXPECT_EQ(measurements_.forward.count(), 1U);
  EXPECT_GT(measurements_.forward.sum_ns(), 0);
  EXPECT_LT(measurements_.forward.sum_ns(), 60e9);
}

TEST_F(RelayTest, MeasuresNoLagWhereTheEventTimeIsNone) {
  for (const auto* time : {"0", "-1", "-9223372036854775", "-9223372036854775808",
                           "9223372036854775807", "\"1700000000000000\""})
    accept(R"({"data":{"E":)" + std::string(time) + R"(},"stream":"trade.SOL_USDC"})");
  EXPECT_EQ(measurements_.of("trade.SOL_USDC").messages.value(), 6U);
  EXPECT_EQ(measurements_.of("trade.SOL_USDC").lag.late.count(), 0U);
}

TEST(StreamTable, AppendsTheTerminatorToTopicsButNotToNames) {
  Measurements measurements({"trade.A"});
  History history({});
  StreamTable streams({"trade.A"}, "|", measurements, history);
  const auto* stream = streams.find_or_add("trade.A");
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(stream->topic, "trade.A|");
  EXPECT_EQ(stream->name(), "trade.A");
  EXPECT_EQ(streams.streams().size(), 1U);
}

TEST(StreamTable, BoundsWhatTheExchangeMayAdd) {
  Measurements measurements({"trade.A"});
  History history({});
  StreamTable streams({"trade.A"}, "", measurements, history);
  for (std::size_t i = 0; i < StreamTable::kMaxUnrequested; ++i)
    ASSERT_NE(streams.find_or_add("new." + std::to_string(i)), nullptr);
  EXPECT_EQ(streams.find_or_add("one.too.many"), nullptr);
  EXPECT_EQ(streams.fault_of("one.too.many"), "there are more streams than are carried unasked")
      << "it is not the name's fault";
  EXPECT_NE(streams.find_or_add("new.0"), nullptr);
  EXPECT_NE(streams.find_or_add("trade.A"), nullptr);
}

TEST(Publisher, NamesTheEndpointItCannotBind) {
  Log log({.sink = [](LogLevel, std::string_view) {}});
  Measurements measurements({});
  Publisher first({.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {}}, measurements, log);
  const auto taken = first.endpoints(Audience::everyone).front();
  try {
    Publisher second({.public_bind = {}, .private_bind = {taken}}, measurements, log);
    FAIL() << "bound twice";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("publish.private.bind: cannot bind " + taken),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace bpx::bridge
