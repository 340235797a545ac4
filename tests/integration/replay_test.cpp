#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::Frame;
using exchange::SimulatedExchange;
using testing::ElementsAre;
using Flag = proto::MessageHeader::Flag;

std::string trade(std::uint64_t id) { return R"({"t":)" + std::to_string(id) + '}'; }

/// A bridge that carries a few streams.
class Replay : public testing::Test {
 protected:
  Replay() { EXPECT_TRUE(exchange_.wait_for_subscriptions(4)); }

  /// Trades with ids from `first` to `last`, seen to have passed the bridge.
  void trades(std::uint64_t first, std::uint64_t last) {
    ReadySubscriber witness(bridge_.public_endpoint(), {"trade.A"});
    for (auto id = first; id <= last; ++id) exchange_.publish("trade.A", trade(id));
    EXPECT_EQ(witness.take(last - first + 1).size(), last - first + 1);
  }

  /// What comes under `topic` up to the end of the replay, which comes last.
  static std::vector<Message> replayed(ReadySubscriber& consumer, const std::string& topic) {
    std::vector<Message> messages;
    while (auto message = consumer.next()) {
      if (message->topic != topic) continue;
      messages.push_back(std::move(*message));
      if ((messages.back().header.flags & Flag::end_of_replay) != 0) return messages;
    }
    ADD_FAILURE() << "no end of replay";
    return messages;
  }

  bridge::Config config() {
    auto config = test_config(exchange_, directory_,
                              {"trade.A", "trade.A_PERP", "depth.A", "account.orderUpdate"});
    config.publish.replay_messages = 50;
    return config;
  }

  SimulatedExchange exchange_{ExchangeOptions{}};
  TemporaryDirectory directory_;
  RunningBridge bridge_{config()};
};

TEST_F(Replay, GivesALateJoinerWhatItMissedAsItWasSent) {
  ReadySubscriber early(bridge_.public_endpoint(), {"trade.A"});
  for (std::uint64_t id = 1; id <= 10; ++id) exchange_.publish("trade.A", trade(id));
  const auto live = early.take(10);
  ASSERT_EQ(live.size(), 10U);

  const std::string topic = "bridge.replay/trade.A/4/late joiner";
  ReadySubscriber late(bridge_.public_endpoint(), {"trade.A"});
  late.subscribe(topic);
  const auto kept = replayed(late, topic);
  ASSERT_EQ(kept.size(), 8U);
  for (std::size_t i = 0; i < 7; ++i) {
    auto header = live[i + 3].header;
    header.flags |= Flag::replay;
    EXPECT_EQ(kept[i].header, header);
    EXPECT_EQ(kept[i].payload, live[i + 3].payload);
  }
  const auto& end = kept.back();
  EXPECT_EQ(end.payload, "");
  EXPECT_EQ(end.header.flags, Flag::replay | Flag::end_of_replay);
  EXPECT_EQ(end.header.sequence, 10U);
  EXPECT_EQ(end.header.epoch_us, live[0].header.epoch_us);
  EXPECT_TRUE(bridge_.wait_for_metric(R"(replays_total{result="served"})", 1));
}

TEST_F(Replay, GivesTheNewestMessageAlone) {
  trades(1, 3);
  const std::string topic = "bridge.replay/trade.A/last/x";
  ReadySubscriber consumer(bridge_.public_endpoint(), {});
  consumer.subscribe(topic);
  const auto kept = replayed(consumer, topic);
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].header.sequence, 3U);
  EXPECT_EQ(kept[1].header.sequence, 3U);
  consumer.subscribe(topic);
  EXPECT_EQ(replayed(consumer, topic).size(), 2U) << "who asks again is answered again";
}

TEST_F(Replay, GoesBackNoFurtherThanWhatIsKept) {
  trades(1, 60);
  const std::string topic = "bridge.replay/trade.A/1/x";
  ReadySubscriber consumer(bridge_.public_endpoint(), {});
  consumer.subscribe(topic);
  const auto kept = replayed(consumer, topic);
  ASSERT_EQ(kept.size(), 51U);
  EXPECT_EQ(kept[0].header.sequence, 11U) << "fifty messages are kept";
}

TEST_F(Replay, ReachesTheAskerAlone) {
  trades(1, 2);
  const std::string topic = "bridge.replay/trade.A/1/x";
  ReadySubscriber bystander(bridge_.public_endpoint(), {"trade.A"});
  ReadySubscriber asker(bridge_.public_endpoint(), {});
  asker.subscribe(topic);
  EXPECT_EQ(replayed(asker, topic).size(), 3U);
  exchange_.publish("trade.A", trade(3));
  const auto next = bystander.next();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->topic, "trade.A");
  EXPECT_EQ(next->header.sequence, 3U);
}

TEST_F(Replay, KnowsAnAccountsStreamsOnThePrivateEndpointAlone) {
  ReadySubscriber witness(bridge_.private_endpoint(), {"account."});
  exchange_.publish("account.orderUpdate", R"({"i":"secret"})");
  ASSERT_TRUE(witness.next());

  const std::string topic = "bridge.replay/account.orderUpdate/1/x";
  ReadySubscriber stranger(bridge_.public_endpoint(), {});
  stranger.subscribe(topic);
  const auto nothing = replayed(stranger, topic);
  ASSERT_EQ(nothing.size(), 1U);
  EXPECT_EQ(nothing[0].header.sequence, 0U) << "not even how many there were";
  EXPECT_TRUE(bridge_.wait_for_metric(R"(replays_total{result="unknown"})", 1));

  ReadySubscriber owner(bridge_.private_endpoint(), {});
  owner.subscribe(topic);
  EXPECT_EQ(replayed(owner, topic).size(), 2U);
}

TEST_F(Replay, SaysThatNothingIsKnownOfAStreamItDoesNotCarry) {
  const std::string topic = "bridge.replay/trade.B/last/x";
  ReadySubscriber consumer(bridge_.public_endpoint(), {});
  consumer.subscribe(topic);
  const auto answer = replayed(consumer, topic);
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].header.sequence, 0U);
}

TEST_F(Replay, CountsAndIgnoresMalformedRequests) {
  ReadySubscriber consumer(bridge_.public_endpoint(), {"bridge.replay/trade.A", "trade.A"});
  EXPECT_TRUE(bridge_.wait_for_metric(R"(replays_total{result="malformed"})", 1));
  EXPECT_TRUE(bridge_.wait_for_log("malformed request"));
  exchange_.publish("trade.A", trade(1));
  const auto next = consumer.next();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->topic, "trade.A");
}

TEST_F(Replay, ServesAHundredRequestsASecondAndCountsTheRest) {
  trades(1, 1);
  // Asked before the connection stands, so that all of it goes out at once.
  std::vector<std::string> requests;
  for (int i = 0; i < 300; ++i) requests.push_back("bridge.replay/trade.A/1/" + std::to_string(i));
  const Subscriber consumer(bridge_.public_endpoint(), requests);
  const auto count = [&](const std::string& result) {
    return bridge_.metric("replays_total{result=\"" + result + "\"}");
  };
  comes_true([&] { return count("served") + count("limited") >= 300; });
  EXPECT_EQ(count("served") + count("limited"), 300);
  EXPECT_GE(count("served"), 100);
  EXPECT_GT(count("limited"), 0);
}

TEST_F(Replay, JoinsWithTheLiveMessagesWithoutAHole) {
  constexpr std::uint64_t kJoiners = 20;
  std::uint64_t id = 0;
  for (std::uint64_t joiner = 0; joiner < kJoiners; ++joiner) {
    std::vector<Frame> frames;
    for (int i = 0; i < 40; ++i) frames.push_back({"trade.A", trade(++id)});
    exchange_.publish_all(frames);
    // Not waited for: the subscriptions take force somewhere among the messages.
    const std::string topic = "bridge.replay/trade.A/1/" + std::to_string(joiner);
    Subscriber consumer(bridge_.public_endpoint(), {"trade.A"});
    consumer.subscribe(topic);
    for (int i = 0; i < 40; ++i) exchange_.publish("trade.A", trade(++id));

    std::map<std::uint64_t, std::string> by_sequence;
    std::uint64_t newest = 0;
    bool has_ended = false;
    while (!has_ended || by_sequence.empty() || by_sequence.rbegin()->first < id) {
      const auto message = consumer.receive();
      ASSERT_TRUE(message) << "joiner " << joiner << " got up to " << newest << " of " << id;
      if (message->topic != topic && message->topic != "trade.A") continue;
      newest = std::max(newest, message->header.sequence);
      if ((message->header.flags & Flag::end_of_replay) != 0)
        has_ended = true;
      else
        by_sequence.emplace(message->header.sequence, message->payload);
    }
    auto sequence = by_sequence.begin()->first;
    for (const auto& [found, payload] : by_sequence) {
      ASSERT_EQ(found, sequence);
      ASSERT_EQ(payload, R"({"data":)" + trade(sequence) + R"(,"stream":"trade.A"})");
      ++sequence;
    }
  }
}

TEST_F(Replay, TellsInStatusHowManyListenToEachStream) {
  const auto shows = [&](std::string_view subscribers) {
    return bridge_.wait_for_page(
        "/status",
        R"("name":"trade.A_PERP","private":false,"subscribers":)" + std::string(subscribers));
  };
  EXPECT_TRUE(shows("0,"));
  ReadySubscriber first(bridge_.public_endpoint(), {"trade.A_PERP"});
  {
    ReadySubscriber second(bridge_.public_endpoint(), {"trade.A_PERP"});
    EXPECT_TRUE(shows("2,"));
  }
  EXPECT_TRUE(shows("1,"));
  first.unsubscribe("trade.A_PERP");
  EXPECT_TRUE(shows("0,"));
}

TEST_F(Replay, WarnsOfASubscriptionThatBringsMoreThanItNames) {
  ReadySubscriber consumer(bridge_.public_endpoint(), {"trade.A_PERP", "trade.A"});
  EXPECT_TRUE(bridge_.wait_for_log("prefix subscription"));
  const auto log = bridge_.log();
  EXPECT_NE(log.find("topic=trade.A brings_too=trade.A_PERP peer=127.0.0.1"), std::string::npos)
      << log;
  EXPECT_EQ(log.find("topic=trade.A_PERP brings_too"), std::string::npos);
}

}  // namespace
}  // namespace bpx::test
