#include "bridge/publish/attendance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AttendanceTest : public testing::Test {
 protected:
  /// Whoever has that descriptor when only one has it.
  static Caller by(int connection, std::uint64_t number = 1) {
    return {.descriptor = connection, .number = number};
  }

  /// Returns who has to go for it.
  std::optional<int> arrive(int connection) {
    return attendance_.arrive(connection, now_ns_, [&](int of) { return listening_.contains(of); });
  }
  void settle() { now_ns_ += Attendance::kSettlesInNs + 1; }

  std::int64_t now_ns_ = 0;
  std::set<int> listening_;  ///< without having asked, as far as is known
  Attendance attendance_{{.connections = 3,
                          .topic_bytes_each = 100,
                          .topic_bytes_in_all = 200,
                          .topic_bytes_of_strangers = 200,
                          .topic_bytes_of_strangers_ever = 2'000'000}};
};

TEST_F(AttendanceTest, HasRoomForSoManyAndNoMore) {
  for (const int connection : {1, 2, 3}) EXPECT_EQ(arrive(connection), std::nullopt);
  EXPECT_EQ(arrive(4), 4);
  attendance_.leave(4);
  attendance_.leave(2);
  EXPECT_EQ(arrive(5), std::nullopt);
  EXPECT_EQ(attendance_.size(), 3U);
}

TEST_F(AttendanceTest, LetsWhoNeverAskedForAnythingGoBeforeANewcomer) {
  for (const int connection : {1, 2, 3}) arrive(connection);
  attendance_.subscribe(by(1), 1);
  listening_ = {2};
  EXPECT_EQ(arrive(4), 4) << "the others may be about to ask";
  attendance_.leave(4);
  settle();
  EXPECT_EQ(arrive(5), 3);
  EXPECT_EQ(arrive(6), 6) << "who has to go is told once";
  attendance_.leave(6);
  attendance_.leave(3);
  settle();
  EXPECT_EQ(arrive(7), 5) << "who listens stays, whether it was heard of or not";
}

TEST_F(AttendanceTest, CountsADescriptorOnceThoughNobodyToldThatItHadGone) {
  for (int i = 0; i < 10; ++i) EXPECT_EQ(arrive(1), std::nullopt);
  EXPECT_EQ(attendance_.size(), 1U);
}

TEST_F(AttendanceTest, LetsGoWhoSubscribesToTooMuchAndTellsItOnce) {
  arrive(1);
  EXPECT_THAT(attendance_.subscribe(by(1), 60), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(1), 40), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(1), 1), ElementsAre(1));
  EXPECT_THAT(attendance_.subscribe(by(1), 1000), IsEmpty());
}

TEST_F(AttendanceTest, ForgetsWhatIsGivenUpAndWhoIsGone) {
  arrive(1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(attendance_.subscribe(by(1), 90), IsEmpty()) << i;
    attendance_.unsubscribe(by(1), 90);
  }
  for (std::uint64_t number = 2; number < 100; ++number) {
    EXPECT_THAT(attendance_.subscribe(by(1, number), 90), IsEmpty()) << number;
    attendance_.leave(1);
    arrive(1);
  }
}

TEST_F(AttendanceTest, LetsGoTheOneWithMostWhereAllTogetherHaveTooMuch) {
  for (const int connection : {1, 2, 3}) arrive(connection);
  EXPECT_THAT(attendance_.subscribe(by(1), 30), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(2), 90), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(3), 80), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(1), 1), ElementsAre(2)) << "not the one that came last";
  EXPECT_THAT(attendance_.subscribe(by(1), 50), IsEmpty()) << "the other's share is free again";
}

TEST_F(AttendanceTest, LaysToNobodyWhatComesFromWhoIsNotThere) {
  arrive(1);
  EXPECT_THAT(attendance_.subscribe(by(7), 1'000), IsEmpty());
  attendance_.unsubscribe(by(7), 1'000);
  attendance_.unsubscribe(by(1), 1'000);
  EXPECT_THAT(attendance_.subscribe(by(1), 100), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(1), 1), ElementsAre(1));
}

TEST_F(AttendanceTest, LetsAllGoWhoCannotBeToldApartWhereTheyHaveTooMuch) {
  for (const int connection : {1, 2, 3}) arrive(connection);
  attendance_.subscribe(by(2), 1);
  EXPECT_THAT(attendance_.subscribe({}, 200), IsEmpty());
  attendance_.unsubscribe({}, 200);
  EXPECT_THAT(attendance_.subscribe({}, 1), ElementsAre(1, 3)) << "whose ends they are is unknown";
  EXPECT_THAT(attendance_.subscribe({}, 200), IsEmpty()) << "who comes now starts afresh";
}

TEST_F(AttendanceTest, KnowsWhoWasHeardBeforeItsArrivalWas) {
  EXPECT_THAT(attendance_.subscribe(by(2), 70), IsEmpty());
  attendance_.unsubscribe(by(2), 10);
  for (const int connection : {1, 2}) arrive(connection);
  EXPECT_THAT(attendance_.subscribe({}, 201), ElementsAre(1)) << "it can be told from the other";
  EXPECT_THAT(attendance_.subscribe(by(2), 40), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(2), 1), ElementsAre(2)) << "what it asked for first counts";
}

TEST_F(AttendanceTest, TakesTheNextAtADescriptorForNobodyWhoHasLeftIt) {
  arrive(1);
  attendance_.subscribe(by(1, 1), 1);
  attendance_.leave(1);
  attendance_.subscribe(by(1, 1), 1);
  arrive(2);
  attendance_.leave(2);
  attendance_.subscribe(by(2, 2), 1);  // which may be its own, or that of who comes next
  for (const int connection : {1, 2}) arrive(connection);
  EXPECT_THAT(attendance_.subscribe({}, 201), ElementsAre(1, 2));
}

TEST_F(AttendanceTest, LetsNobodyGoWhoAsksForLittleThoughItIsForDays) {
  arrive(1);
  for (int minute = 0; minute < 10'000; ++minute) {
    EXPECT_THAT(attendance_.subscribe({}, 100), IsEmpty()) << minute;
    attendance_.forgive();
  }
  EXPECT_THAT(attendance_.subscribe({}, 102), ElementsAre(1));
}

TEST_F(AttendanceTest, LetsStrangersGoWhoseTopicsAreManyThoughSlow) {
  arrive(1);
  arrive(2);
  attendance_.subscribe(by(2), 2);
  std::vector<int> greedy;
  std::size_t charged = 0;
  while (greedy.empty() && charged <= 2'000'000) {
    greedy = attendance_.subscribe({}, 100);
    charged += 100;
    attendance_.forgive();
  }
  EXPECT_THAT(greedy, ElementsAre(1));
  EXPECT_GT(charged, 2'000'000U) << "before they had so much";
  attendance_.leave(1);
  arrive(1);
  EXPECT_THAT(attendance_.subscribe({}, 100), IsEmpty()) << "they start afresh";
}

TEST_F(AttendanceTest, LaysNothingToStrangersThatOthersSubscribedToWhoHaveLeft) {
  for (int days = 0; days < 10; ++days) {
    arrive(1);
    for (int i = 0; i < 4'000; ++i) {
      EXPECT_THAT(attendance_.subscribe({}, 100), IsEmpty()) << days;
      attendance_.forgive();
    }
    attendance_.leave(1);
    attendance_.forgive();
  }
}

TEST_F(AttendanceTest, KnowsHowManyTopicsEachSubscribesTo) {
  arrive(1);
  EXPECT_EQ(attendance_.subscriptions(1), std::nullopt) << "it may be a stranger";
  attendance_.subscribe(by(1), 2);
  attendance_.subscribe(by(1), 2);
  attendance_.subscribe(by(1), 0);  // a repetition
  EXPECT_EQ(attendance_.subscriptions(1), 2U);
  attendance_.unsubscribe(by(1), 2);
  attendance_.unsubscribe(by(1), 0);  // of what it never had
  EXPECT_EQ(attendance_.subscriptions(1), 1U);
  attendance_.subscribe(by(1, 2), 2);
  EXPECT_EQ(attendance_.subscriptions(1), 1U) << "another's do not count";
  EXPECT_EQ(attendance_.subscriptions(7), std::nullopt);
}

TEST_F(AttendanceTest, MayHaveLessRoomThanItWasBuiltWith) {
  attendance_.bound(1);
  EXPECT_EQ(arrive(1), std::nullopt);
  EXPECT_EQ(arrive(2), 2);
  attendance_.leave(2);
  attendance_.bound(3);
  EXPECT_EQ(arrive(3), 3) << "but not more";
}

TEST_F(AttendanceTest, TellsWhoHasLeft) {
  for (const int connection : {1, 2}) arrive(connection);
  EXPECT_THAT(attendance_.take_left(), IsEmpty());
  attendance_.leave(2);
  attendance_.leave(7);
  EXPECT_FALSE(attendance_.is_here(2));
  EXPECT_TRUE(attendance_.is_here(1));
  EXPECT_THAT(attendance_.take_left(), ElementsAre(2));
  EXPECT_THAT(attendance_.take_left(), IsEmpty());
}

TEST_F(AttendanceTest, LaysNothingToTheNextAtADescriptorThatTheLastHadSent) {
  arrive(1);
  attendance_.subscribe(by(1, 1), 90);
  attendance_.leave(1);
  arrive(1);
  EXPECT_THAT(attendance_.subscribe(by(1, 1), 1'000), IsEmpty()) << "it is gone";
  EXPECT_THAT(attendance_.subscribe(by(1, 2), 100), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(1, 1), 1'000), IsEmpty()) << "as before";
  EXPECT_THAT(attendance_.subscribe(by(1, 2), 1), ElementsAre(1)) << "its own counts";
}

TEST_F(AttendanceTest, StartsAfreshWithTheNextWhereTheLastWasNotNoticed) {
  arrive(1);
  attendance_.subscribe(by(1, 1), 90);
  EXPECT_THAT(attendance_.subscribe(by(1, 2), 100), IsEmpty());
  EXPECT_THAT(attendance_.subscribe(by(1, 2), 1), ElementsAre(1));
}

TEST_F(AttendanceTest, LetsNobodyOffForHavingBeenHeardBeforeItsArrivalWas) {
  arrive(1);
  attendance_.subscribe(by(1, 1), 90);
  attendance_.subscribe(by(1, 2), 90);
  attendance_.leave(1);  // the first
  arrive(1);
  attendance_.caught_up();
  EXPECT_THAT(attendance_.subscribe(by(1, 2), 101), ElementsAre(1));
}

}  // namespace
}  // namespace bpx::bridge
