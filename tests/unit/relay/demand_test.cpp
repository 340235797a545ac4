#include "bridge/relay/demand.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kS = 1'000'000'000;

class DemandTest : public testing::Test {
 protected:
  Demand make(std::vector<std::string> allow, std::string terminator = "") {
    return Demand({.allow = std::move(allow),
                   .always = {"trade.ALWAYS"},
                   .linger_ns = 30 * kS,
                   .topic_terminator = std::move(terminator),
                   .on_change =
                       [this](std::string_view stream, bool is_wanted, std::uint64_t consumer) {
                         changes_.push_back(std::string(is_wanted ? "+" : "-").append(stream));
                         brought_by_ = consumer;
                       },
                   .on_joined =
                       [this](std::string_view stream, std::uint64_t consumer) {
                         joined_.push_back(std::string(stream) + ' ' + std::to_string(consumer));
                       },
                   .on_count = [this](std::string_view, std::size_t count) { count_ = count; },
                   .on_refused =
                       [this](const Subscription& subscription) {
                         refused_.emplace_back(subscription.topic);
                       }});
  }

  static Subscription begin(std::string_view topic, Audience audience = Audience::everyone,
                            std::uint64_t consumer = 1) {
    return {.audience = audience,
            .begins = true,
            .topic = topic,
            .peer = {},
            .caller = {.descriptor = 7, .number = consumer}};
  }

  /// As many of the consumer's as are carried for one.
  static void fill(Demand& demand, std::uint64_t consumer) {
    for (std::size_t i = 0; i < Demand::kMaxStreamsOfOne; ++i)
      demand.on_listeners(begin(name_of(consumer, i), Audience::everyone, consumer), 1, 0);
  }
  static std::string name_of(std::uint64_t consumer, std::size_t i) {
    return "trade.C" + std::to_string(consumer) + '_' + std::to_string(i);
  }
  static constexpr std::size_t kConsumers = Demand::kMaxStreams / Demand::kMaxStreamsOfOne;

  static Subscription end(std::string_view topic) {
    return {
        .audience = Audience::everyone, .begins = false, .topic = topic, .peer = {}, .caller = {}};
  }

  std::vector<std::string> changes_;
  std::vector<std::string> refused_;
  std::vector<std::string> joined_;
  std::size_t count_ = 0;
  std::uint64_t brought_by_ = 0;
};

TEST_F(DemandTest, BeginsWithTheFirstSubscriberAndEndsAWhileAfterTheLast) {
  auto demand = make({"trade.*"});
  demand.on_listeners(begin("trade.A"), 1, 0);
  demand.on_listeners(begin("trade.A"), 2, 1);
  EXPECT_EQ(count_, 2U);
  demand.on_listeners(end("trade.A"), 1, 2);
  demand.expire(100 * kS);
  EXPECT_THAT(changes_, ElementsAre("+trade.A"));
  demand.on_listeners(end("trade.A"), 0, 100 * kS);
  EXPECT_EQ(count_, 0U);
  demand.expire(130 * kS - 1);
  EXPECT_THAT(changes_, ElementsAre("+trade.A"));
  demand.expire(130 * kS);
  EXPECT_THAT(changes_, ElementsAre("+trade.A", "-trade.A"));
}

TEST_F(DemandTest, OutlivesAConsumerThatComesBackInTime) {
  auto demand = make({"trade.*"});
  demand.on_listeners(begin("trade.A"), 1, 0);
  demand.on_listeners(end("trade.A"), 0, kS);
  demand.on_listeners(begin("trade.A"), 1, 20 * kS);
  demand.expire(1'000 * kS);
  EXPECT_THAT(changes_, ElementsAre("+trade.A"));
}

TEST_F(DemandTest, TakesOnlyWhatIsAllowed) {
  auto demand = make({"trade.*_USDC", "kline.1?.*"});
  for (const auto* topic : {"trade.SOL_USDC", "trade.SOL_USDT", "kline.1m.SOL_USDC",
                            "kline.15m.SOL_USDC", "depth.SOL_USDC", "trade.ALWAYS", "", "trade.",
                            "bridge.status", "bridge.replay/trade.SOL_USDC/1/x", "tr ade"})
    demand.on_listeners(begin(topic), 1, 0);
  EXPECT_THAT(changes_, ElementsAre("+trade.SOL_USDC", "+kline.1m.SOL_USDC"));
}

TEST_F(DemandTest, LeavesStreamsAloneThatAreWantedAnyway) {
  auto demand = make({"*"});
  demand.on_listeners(begin("trade.ALWAYS"), 1, 0);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(DemandTest, TakesOverWhatConsumersListenToOnceItIsWantedAnywayNoMore) {
  auto demand = make({"trade.*"});
  EXPECT_FALSE(demand.is_wanted("trade.ALWAYS"));
  demand.on_listeners(begin("trade.ALWAYS", Audience::everyone, 4), 2, 0);
  EXPECT_TRUE(demand.is_wanted("trade.ALWAYS"));
  demand.set_always({"trade.ALWAYS", "trade.B"});
  EXPECT_THAT(changes_, IsEmpty());
  demand.set_always({"trade.B"});
  EXPECT_THAT(changes_, ElementsAre("+trade.ALWAYS"));
  EXPECT_EQ(brought_by_, 4U);
  EXPECT_EQ(count_, 2U);
  demand.on_listeners(end("trade.ALWAYS"), 0, kS);
  demand.expire(31 * kS);
  EXPECT_THAT(changes_, ElementsAre("+trade.ALWAYS", "-trade.ALWAYS"));
}

TEST_F(DemandTest, ForgetsWhoLeavesWhatIsWantedAnyway) {
  auto demand = make({"trade.*"});
  demand.on_listeners(begin("trade.ALWAYS"), 1, 0);
  demand.on_listeners(end("trade.ALWAYS"), 0, 0);
  EXPECT_FALSE(demand.is_wanted("trade.ALWAYS"));
  demand.set_always({});
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(DemandTest, CountsOnWhoListensThoughWhatTheyBroughtAboutIsWantedAnywayMeanwhile) {
  auto demand = make({"trade.*"});
  demand.on_listeners(begin("trade.GONE"), 1, 0);
  demand.on_listeners(begin("trade.JOINED"), 1, 0);
  demand.on_listeners(end("trade.JOINED"), 0, 0);
  demand.set_always({"trade.GONE", "trade.JOINED"});
  demand.on_listeners(end("trade.GONE"), 0, kS);
  demand.on_listeners(begin("trade.JOINED", Audience::everyone, 2), 1, kS);
  demand.set_always({});
  demand.expire(100 * kS);
  EXPECT_THAT(changes_, ElementsAre("+trade.GONE", "+trade.JOINED", "-trade.GONE"));
}

TEST_F(DemandTest, RefusesNobodyWhatIsWantedAnyway) {
  auto demand = make({"trade.*"});
  fill(demand, 1);
  demand.on_listeners(begin("trade.ALWAYS"), 1, 0);
  demand.set_always({});
  EXPECT_EQ(changes_.back(), "+trade.ALWAYS");
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(DemandTest, BringsAnAccountsStreamsOnItsOwnEndpointAndByItsOwnGlobAlone) {
  auto broad = make({"*", "a*", "acc*.orderUpdate"});
  broad.on_listeners(begin("account.orderUpdate"), 1, 0);
  broad.on_listeners(begin("account.orderUpdate", Audience::account), 1, 0);
  EXPECT_THAT(changes_, IsEmpty());
  auto named = make({"account.*"});
  named.on_listeners(begin("account.orderUpdate"), 1, 0);
  named.on_listeners(begin("trade.A", Audience::account), 1, 0);
  EXPECT_THAT(changes_, IsEmpty());
  named.on_listeners(begin("account.orderUpdate", Audience::account), 1, 0);
  EXPECT_THAT(changes_, ElementsAre("+account.orderUpdate"));
}

TEST_F(DemandTest, AsksForTheTopicTerminatorWhereThereIsOne) {
  auto demand = make({"trade.*"}, "|");
  demand.on_listeners(begin("trade.A"), 1, 0);
  demand.on_listeners(begin("trade.B|"), 1, 0);
  EXPECT_THAT(changes_, ElementsAre("+trade.B"));
}

TEST_F(DemandTest, TakesNoStreamWithTheTopicTerminatorInItsName) {
  auto demand = make({"*"}, "|");
  for (const auto* topic : {"trade.A|B|", "trade.A||", "|trade.A|"})
    demand.on_listeners(begin(topic), 1, 0);
  EXPECT_THAT(changes_, IsEmpty());
}

TEST_F(DemandTest, IsBounded) {
  auto demand = make({"trade.*"});
  for (std::uint64_t consumer = 1; consumer <= kConsumers; ++consumer) fill(demand, consumer);
  EXPECT_EQ(changes_.size(), Demand::kMaxStreams);
  EXPECT_THAT(refused_, IsEmpty());
  demand.on_listeners(begin("trade.FULL", Audience::everyone, 99), 1, 0);
  EXPECT_EQ(changes_.size(), Demand::kMaxStreams);
  EXPECT_THAT(refused_, ElementsAre("trade.FULL"));
  demand.on_listeners(end(name_of(1, 0)), 0, 0);
  demand.expire(30 * kS);
  demand.on_listeners(begin("trade.LATE", Audience::everyone, 99), 1, 30 * kS);
  EXPECT_EQ(changes_.back(), "+trade.LATE");
}

TEST_F(DemandTest, LeavesPlacesForOthersWhateverOneConsumerWants) {
  auto demand = make({"trade.*"});
  fill(demand, 1);
  demand.on_listeners(begin("trade.MORE"), 1, 0);
  EXPECT_EQ(changes_.size(), Demand::kMaxStreamsOfOne);
  EXPECT_THAT(refused_, ElementsAre("trade.MORE"));
  demand.on_listeners(begin("trade.A", Audience::everyone, 2), 1, 0);
  EXPECT_EQ(changes_.back(), "+trade.A");
  demand.on_listeners(begin("trade.A"), 2, 0);
  EXPECT_EQ(refused_.size(), 1U) << "it may listen to what another has brought about";
}

TEST_F(DemandTest, GivesAConsumerItsPlacesBackWhenItsStreamsEnd) {
  auto demand = make({"trade.*"});
  fill(demand, 1);
  demand.on_listeners(begin(name_of(1, 0), Audience::everyone, 2), 2, 0);
  demand.on_listeners(end(name_of(1, 0)), 1, 0);
  demand.on_listeners(end(name_of(1, 1)), 0, 0);
  demand.on_listeners(begin("trade.A"), 1, kS);
  EXPECT_THAT(refused_, ElementsAre("trade.A")) << "what lingers is carried still";
  demand.expire(30 * kS);
  demand.on_listeners(begin("trade.B"), 1, 30 * kS);
  EXPECT_EQ(changes_.back(), "+trade.B");
  demand.on_listeners(begin("trade.C"), 1, 30 * kS);
  EXPECT_THAT(refused_, ElementsAre("trade.A", "trade.C"));
}

TEST_F(DemandTest, TellsWhoBroughtAStreamAboutAndWhoWantsItToo) {
  auto demand = make({"trade.*"});
  demand.on_listeners(begin("trade.A", Audience::everyone, 4), 1, 0);
  demand.on_listeners(begin("trade.A", Audience::everyone, 3), 2, 0);
  EXPECT_EQ(brought_by_, 4U);
  EXPECT_THAT(joined_, ElementsAre("trade.A 3"));
  demand.on_listeners(begin("trade.B", Audience::everyone, 3), 1, 0);
  EXPECT_EQ(brought_by_, 3U);
}

TEST_F(DemandTest, TakesNobodysLeavingForAWish) {
  auto demand = make({"trade.*"});
  fill(demand, 1);
  demand.on_listeners(begin("trade.A"), 1, 0);
  demand.on_listeners(end("trade.A"), 1, 0);
  EXPECT_EQ(changes_.size(), Demand::kMaxStreamsOfOne);
}

TEST_F(DemandTest, CountsThoseWhomItRefusedWhenThereIsRoomAgain) {
  auto demand = make({"trade.*"});
  for (std::uint64_t consumer = 1; consumer <= kConsumers; ++consumer) fill(demand, consumer);
  demand.on_listeners(begin("trade.FULL", Audience::everyone, 98), 1, 0);
  demand.on_listeners(end(name_of(1, 0)), 0, 0);
  demand.expire(30 * kS);
  demand.on_listeners(begin("trade.FULL", Audience::everyone, 99), 2, 30 * kS);
  EXPECT_EQ(changes_.back(), "+trade.FULL");
  demand.on_listeners(end("trade.FULL"), 1, 30 * kS);
  demand.expire(90 * kS);
  EXPECT_EQ(changes_.back(), "+trade.FULL") << "somebody still listens";
}

}  // namespace
}  // namespace bpx::bridge
