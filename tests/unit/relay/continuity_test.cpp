#include "bridge/relay/continuity.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <utility>

namespace bpx::bridge {
namespace {

using proto::Envelope;
using proto::Numbering;

Envelope depth(std::uint64_t first, std::uint64_t last) {
  Envelope envelope{};
  envelope.kind = Envelope::Kind::data;
  envelope.first_update_id = first;
  envelope.last_update_id = last;
  return envelope;
}

Envelope trade(std::uint64_t id, std::int64_t event_time_us = 0) {
  Envelope envelope{};
  envelope.kind = Envelope::Kind::data;
  envelope.trade_id = id;
  envelope.event_time_us = event_time_us;
  return envelope;
}

TEST(Continuity, SeesNoGapBeforeTheFirstMessage) {
  EXPECT_FALSE(Continuity(Numbering::updates).follow(depth(1'803'724'440, 1'803'724'442)));
  EXPECT_FALSE(Continuity(Numbering::trades).follow(trade(341'399'899)));
}

TEST(Continuity, SeesNoGapWhereEachMessageBeginsWhereTheLastEnded) {
  Continuity continuity(Numbering::updates);
  EXPECT_FALSE(continuity.follow(depth(10, 10)));
  EXPECT_FALSE(continuity.follow(depth(11, 15)));
  EXPECT_FALSE(continuity.follow(depth(16, 16)));
}

TEST(Continuity, SaysWhatWasExpectedAndHowMuchIsMissing) {
  Continuity continuity(Numbering::updates);
  continuity.follow(depth(10, 12));
  const auto gap = continuity.follow(depth(20, 21));
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->expected, 13U);
  EXPECT_EQ(gap->got, 20U);
  EXPECT_EQ(gap->missing(), 7U);
  EXPECT_FALSE(continuity.follow(depth(22, 22))) << "a gap is told once";
}

TEST(Continuity, CountsTrades) {
  Continuity continuity(Numbering::trades);
  continuity.follow(trade(5));
  EXPECT_FALSE(continuity.follow(trade(6)));
  const auto gap = continuity.follow(trade(8));
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->missing(), 1U);
}

TEST(Continuity, TakesRepetitionForNoGapAndFollowsItOn) {
  Continuity continuity(Numbering::trades);
  for (const auto id : {5U, 6U, 7U, 6U, 7U, 7U, 8U})
    EXPECT_FALSE(continuity.follow(trade(id))) << id;
  EXPECT_TRUE(continuity.follow(trade(10)));
}

TEST(Continuity, TakesAnOldMessageForARepetitionAndGoesOnFromTheNewest) {
  Continuity trades(Numbering::trades);
  for (const auto id : {10U, 11U, 12U, 10U, 13U}) EXPECT_FALSE(trades.follow(trade(id))) << id;
  Continuity updates(Numbering::updates);
  for (const auto& [first, last] : {std::pair{1U, 5U}, std::pair{6U, 9U}, std::pair{6U, 7U}})
    EXPECT_FALSE(updates.follow(depth(first, last)));
  EXPECT_FALSE(updates.follow(depth(10, 11)));
}

TEST(Continuity, TellsOnceThatIdsBeginAnewAndFollowsThem) {
  Continuity continuity(Numbering::trades);
  for (const auto id : {100U, 101U, 1U}) EXPECT_FALSE(continuity.follow(trade(id))) << id;
  const auto anew = continuity.follow(trade(2));
  ASSERT_TRUE(anew) << "nothing tells what was missed";
  EXPECT_EQ(anew->expected, 102U);
  EXPECT_EQ(anew->got, 2U);
  EXPECT_EQ(anew->missing(), 0U);
  EXPECT_FALSE(continuity.follow(trade(3)));
  const auto gap = continuity.follow(trade(5));
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->expected, 4U);
}

TEST(Continuity, TellsAtOnceThatIdsBeginAnewWhereTheEventIsALaterOne) {
  Continuity continuity(Numbering::trades);
  for (const auto id : {100U, 101U}) EXPECT_FALSE(continuity.follow(trade(id, id)));
  EXPECT_FALSE(continuity.follow(trade(101, 101))) << "a repetition";
  EXPECT_FALSE(continuity.follow(trade(100, 100))) << "an older one";
  const auto anew = continuity.follow(trade(1, 102));
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->expected, 102U);
  EXPECT_EQ(anew->got, 1U);
  EXPECT_EQ(anew->missing(), 0U);
  EXPECT_FALSE(continuity.follow(trade(2, 103)));
}

TEST(Continuity, GoesOnWithoutAnotherGapWhereOneThatSeemedToBeginAnewWasOnlyLate) {
  Continuity continuity(Numbering::trades);
  for (const auto id : {100U, 101U}) EXPECT_FALSE(continuity.follow(trade(id, id)));
  EXPECT_TRUE(continuity.follow(trade(7, 105))) << "nobody can know yet";
  EXPECT_FALSE(continuity.follow(trade(102, 102)));
  EXPECT_FALSE(continuity.follow(trade(103, 103)));
  const auto gap = continuity.follow(trade(106, 106));
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->missing(), 2U);
  Continuity repeated(Numbering::trades);
  for (const auto id : {1U, 2U, 3U, 1U}) EXPECT_FALSE(repeated.follow(trade(id))) << id;
  EXPECT_TRUE(repeated.follow(trade(2)));
  EXPECT_FALSE(repeated.follow(trade(4)));
}

TEST(Continuity, HoldsANewCountToItselfOnceItHasGoneOn) {
  Continuity continuity(Numbering::trades);
  for (const auto id : {100U, 101U}) EXPECT_FALSE(continuity.follow(trade(id, id)));
  EXPECT_TRUE(continuity.follow(trade(7, 105)));
  EXPECT_FALSE(continuity.follow(trade(8, 106)));
  const auto gap = continuity.follow(trade(102, 107));
  ASSERT_TRUE(gap);
  EXPECT_EQ(gap->missing(), 93U);
}

TEST(Continuity, TakesZeroForNoTradesId) {
  Continuity continuity(Numbering::trades);
  for (const auto id : {0U, 1'000U, 0U, 1'001U}) EXPECT_FALSE(continuity.follow(trade(id, id)));
  EXPECT_TRUE(continuity.follow(trade(1'003)));
  Continuity updates(Numbering::updates);
  updates.follow(depth(0, 0));
  EXPECT_TRUE(updates.follow(depth(2, 2))) << "of an update it is one";
}

TEST(Continuity, PassesOverMessagesWithoutIdsAndStreamsWithoutNumbers) {
  Continuity continuity(Numbering::updates);
  continuity.follow(depth(1, 1));
  EXPECT_FALSE(continuity.follow(trade(9)));
  EXPECT_TRUE(continuity.follow(depth(3, 3)));
  Continuity none(Numbering::none);
  none.follow(depth(1, 1));
  EXPECT_FALSE(none.follow(depth(9, 9)));
}

TEST(Continuity, SurvivesTheLargestId) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  Continuity continuity(Numbering::trades);
  continuity.follow(trade(kMax));
  EXPECT_FALSE(continuity.follow(trade(kMax))) << "a repetition";
  EXPECT_FALSE(continuity.follow(trade(0)));
}

}  // namespace
}  // namespace bpx::bridge
