#include "bridge/cli/replayed_topic.hpp"

#include "bridge/cli/request_topic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

class ReplayedTopicTest : public testing::Test {
 protected:
  ReplayedTopicTest() { replayed_.asked_by("bridge.replay/trade.A/1/x", start_); }

  static TailMessage message(std::uint64_t sequence, std::uint64_t epoch = 1) {
    TailMessage message{.topic = "?", .payload = "{}", .header = {}, .arrived_ns = 0};
    message.header.sequence = sequence;
    message.header.epoch_us = epoch;
    return message;
  }
  void live(std::uint64_t sequence, std::uint64_t epoch = 1, std::string_view payload = "{}") {
    auto live = message(sequence, epoch);
    live.payload = payload;
    replayed_.on_live(live, print_);
  }
  void replay(std::uint64_t sequence, ReplayedTopic::Clock::time_point now,
              std::uint64_t epoch = 1) {
    note(replayed_.on_replayed(message(sequence, epoch), now, print_));
  }
  void replay(std::uint64_t sequence, std::uint64_t epoch = 1) { replay(sequence, start_, epoch); }
  void end(std::uint64_t newest, std::uint64_t epoch = 1) {
    auto last = message(newest, epoch);
    last.header.flags = proto::MessageHeader::replay | proto::MessageHeader::end_of_replay;
    note(replayed_.on_replayed(last, start_, print_));
  }
  void note(const std::optional<std::string>& remark) {
    if (remark) remarks_.push_back(*remark);
  }

  std::vector<std::string> remarks_;
  std::vector<std::uint64_t> shown_;
  ReplayedTopic::Print print_ = [this](const TailMessage& message) {
    EXPECT_EQ(message.topic, "trade.A");
    shown_.push_back(message.header.sequence);
  };
  ReplayedTopic replayed_{"trade.A", "1", /*endpoints=*/1};
  ReplayedTopic::Clock::time_point start_{10s};
};

TEST_F(ReplayedTopicTest, ShowsEachMessageOnceAndInOrder) {
  live(4);
  replay(2);
  replay(3);
  live(5);
  replay(4);
  EXPECT_THAT(shown_, ElementsAre(2, 3, 4));
  end(4);
  live(6);
  EXPECT_THAT(shown_, ElementsAre(2, 3, 4, 5, 6));
  EXPECT_TRUE(replayed_.is_over());
}

TEST_F(ReplayedTopicTest, AsksAgainWhereNoAnswerComesAndInTheEndGoesOnWithout) {
  live(7);
  auto now = start_;
  EXPECT_FALSE(replayed_.is_due(now));
  for (int attempt = 1; attempt < ReplayedTopic::kAttempts; ++attempt) {
    now += ReplayedTopic::kPatience;
    EXPECT_TRUE(replayed_.is_due(now));
    EXPECT_FALSE(replayed_.failure(now));
    EXPECT_EQ(replayed_.from(), "1") << "nothing has been shown yet";
    replayed_.asked_by("again", now);
    EXPECT_FALSE(replayed_.is_due(now));
  }
  now += ReplayedTopic::kPatience;
  EXPECT_FALSE(replayed_.is_due(now));
  EXPECT_THAT(replayed_.failure(now), Optional(HasSubstr("no replay of trade.A comes")));
  EXPECT_THAT(shown_, IsEmpty());
  replayed_.end(print_);
  EXPECT_FALSE(replayed_.failure(now));
  live(8);
  EXPECT_THAT(shown_, ElementsAre(7, 8));
}

TEST_F(ReplayedTopicTest, DoesNotAskAgainWhileTheReplayComes) {
  for (int i = 1; i < 100; ++i) {
    const auto now = start_ + i * ReplayedTopic::kPatience / 2;
    replay(static_cast<std::uint64_t>(i), now);
    EXPECT_FALSE(replayed_.is_due(now + ReplayedTopic::kPatience / 2));
    EXPECT_FALSE(replayed_.failure(now + ReplayedTopic::kPatience / 2));
  }
}

TEST_F(ReplayedTopicTest, NeitherAsksAgainNorGivesUpWhileTheAnswerMayWaitToBeRead) {
  const auto dry_at = start_;
  auto now = start_;
  for (int attempt = 1; attempt < ReplayedTopic::kAttempts; ++attempt) {
    replayed_.asked_by("again", now += ReplayedTopic::kPatience);
    EXPECT_FALSE(replayed_.is_due(dry_at));
  }
  EXPECT_FALSE(replayed_.failure(dry_at));
  replay(4, now + 1h);
  EXPECT_FALSE(replayed_.failure(now + ReplayedTopic::kPatience));
}

TEST_F(ReplayedTopicTest, AsksForTheRestOfAReplayWhoseEndWasLost) {
  replay(4);
  live(9);
  EXPECT_TRUE(replayed_.is_due(start_ + ReplayedTopic::kPatience));
  EXPECT_EQ(replayed_.from(), "5");
  replayed_.asked_by("again", start_ + ReplayedTopic::kPatience);
  for (std::uint64_t sequence = 5; sequence <= 9; ++sequence) replay(sequence);
  end(9);
  EXPECT_THAT(shown_, ElementsAre(4, 5, 6, 7, 8, 9));
}

TEST_F(ReplayedTopicTest, AsksARestartedBridgeForTheWholeReplay) {
  replay(4);
  live(1, 2);
  EXPECT_EQ(replayed_.from(), "1");
}

TEST_F(ReplayedTopicTest, AsksABridgeRestartedAfterTheClockWasSetBackForTheWholeReplay) {
  replay(4, 2);
  live(1, 1);
  EXPECT_EQ(replayed_.from(), "1");
}

TEST_F(ReplayedTopicTest, GoesOnWithWhatItHasWhereTheEndOfTheReplayNeverComes) {
  replay(4);
  live(7);
  auto now = start_;
  for (int attempt = 1; attempt < ReplayedTopic::kAttempts; ++attempt)
    replayed_.asked_by("again", now += ReplayedTopic::kPatience);
  EXPECT_FALSE(replayed_.failure(now));
  now += ReplayedTopic::kPatience;
  EXPECT_THAT(replayed_.failure(now), Optional(HasSubstr("broke off after message 4")));
  replayed_.end(print_);
  EXPECT_THAT(shown_, ElementsAre(4, 7));
}

TEST_F(ReplayedTopicTest, HoldsBackNoMoreLiveMessagesThanItsBound) {
  const std::string large(ReplayedTopic::kMaxBytesWaiting / 4, 'x');
  replay(4);
  for (std::uint64_t sequence = 7; sequence < 10; ++sequence) live(sequence, 1, large);
  EXPECT_FALSE(replayed_.failure(start_));
  live(10, 1, large);
  EXPECT_THAT(replayed_.failure(start_), Optional(HasSubstr("4 live messages wait")));
  replayed_.end(print_);
  live(11);
  EXPECT_THAT(shown_, ElementsAre(4, 7, 8, 9, 10, 11));
  EXPECT_FALSE(replayed_.failure(start_ + 1h));
}

TEST_F(ReplayedTopicTest, GoesOnWithARestartedBridge) {
  replay(5);
  end(5);
  live(6);
  live(1, 2);
  live(2, 2);
  EXPECT_THAT(shown_, ElementsAre(5, 6, 1, 2));
}

TEST_F(ReplayedTopicTest, GoesOnWithABridgeRestartedAfterTheClockWasSetBack) {
  replay(5, 2);
  end(5, 2);
  live(6, 2);
  live(1, 1);
  live(2, 1);
  EXPECT_THAT(shown_, ElementsAre(5, 6, 1, 2));
}

TEST_F(ReplayedTopicTest, ShowsNothingOfTheBridgeBeforeTheOneThatAnswers) {
  for (const std::uint64_t after : {1, 3}) {
    shown_.clear();
    replayed_ = ReplayedTopic("trade.A", "1", 1);
    replayed_.asked_by("bridge.replay/trade.A/1/x", start_);
    live(8, 2);
    live(9, 2);
    live(1, after);
    live(2, after);
    EXPECT_EQ(replayed_.from(), "1");
    replay(1, after);
    end(1, after);
    live(3, after);
    EXPECT_THAT(shown_, ElementsAre(1, 2, 3));
  }
}

TEST_F(ReplayedTopicTest, SaysOnceWhatIsNotShownOfABridgeThatRestartedBeforeItsReplayEnded) {
  replayed_ = ReplayedTopic("trade.A", "4", 1);
  replayed_.asked_by("bridge.replay/trade.A/4/x", start_);
  replay(4);
  live(6);
  live(7);
  replay(5);
  EXPECT_THAT(remarks_, IsEmpty());
  live(2, 2);
  replay(1, 2);
  end(1, 2);
  EXPECT_THAT(shown_, ElementsAre(4, 5, 1, 2));
  EXPECT_THAT(remarks_, ElementsAre(AllOf(HasSubstr("trade.A"), EndsWith("not shown: 2"))));
}

TEST_F(ReplayedTopicTest, ShowsNothingOfTheBridgeBeforeTheOneThatHasNothingToReplay) {
  live(9, 2);
  end(0, 1);
  live(1, 1);
  EXPECT_THAT(shown_, ElementsAre(1));
}

TEST_F(ReplayedTopicTest, WaitsForTheEndpointThatPublishesTheTopic) {
  replayed_ = ReplayedTopic("trade.A", "1", 2);
  for (int request = 0; request < 2; ++request) {
    replayed_.asked_by("bridge.replay/trade.A/1/x", start_);
    end(0);
    EXPECT_FALSE(replayed_.is_over());
  }
  replay(1);
  end(1);
  EXPECT_TRUE(replayed_.is_over());
  EXPECT_THAT(shown_, ElementsAre(1));
  replayed_ = ReplayedTopic("trade.A", "1", 2);
  replayed_.asked_by("bridge.replay/trade.A/1/x", start_);
  end(0);
  end(0);
  EXPECT_TRUE(replayed_.is_over()) << "nothing has been said yet";
  EXPECT_THAT(remarks_, IsEmpty());
}

TEST_F(ReplayedTopicTest, SaysWhatIsNotKept) {
  const auto remarks = [&](const std::string& wanted, std::vector<std::uint64_t> kept,
                           std::uint64_t newest) {
    remarks_.clear();
    replayed_ = ReplayedTopic("trade.A", wanted, 1);
    replayed_.asked_by("bridge.replay/trade.A/1/x", start_);
    for (const auto sequence : kept) replay(sequence);
    end(newest);
    return remarks_;
  };
  EXPECT_THAT(remarks("1", {1, 2}, 2), IsEmpty());
  EXPECT_THAT(remarks("0", {1, 2}, 2), IsEmpty());
  EXPECT_THAT(remarks("1", {5, 6}, 6), ElementsAre(HasSubstr("precedes message 5 is not kept")));
  EXPECT_THAT(remarks("5", {5, 6}, 6), IsEmpty());
  EXPECT_THAT(remarks("7", {}, 6), IsEmpty());
  EXPECT_THAT(remarks("6", {}, 6), ElementsAre(HasSubstr("of trade.A nothing is kept")));
  EXPECT_THAT(remarks("last", {6}, 6), IsEmpty());
  EXPECT_THAT(remarks("last", {}, 6), ElementsAre(HasSubstr("nothing is kept")));
  EXPECT_THAT(remarks("last", {}, 0), IsEmpty());
  EXPECT_THAT(remarks("1", {}, 0), IsEmpty());
}

TEST(StreamOfTopic, LeavesOutWhatMayEndATopic) {
  EXPECT_EQ(stream_of_topic("trade.A"), "trade.A");
  EXPECT_EQ(stream_of_topic("trade.A|"), "trade.A");
  EXPECT_EQ(stream_of_topic("trade.A/"), "trade.A");
  EXPECT_EQ(stream_of_topic(""), "");
}

TEST(RequestTopic, IsOneThatNobodyElseUses) {
  EXPECT_TRUE(replay_topic("trade.A", "last").starts_with("bridge.replay/trade.A/last/"));
  EXPECT_TRUE(book_topic("depth.A").starts_with("bridge.book/depth.A/"));
  EXPECT_NE(book_topic("depth.A"), book_topic("depth.A"));
}

}  // namespace
}  // namespace bpx::bridge::cli
