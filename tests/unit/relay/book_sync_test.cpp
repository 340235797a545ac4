#include "bridge/relay/book_sync.hpp"

#include "tests/support/depth.hpp"

#include <gtest/gtest.h>

#include <random>

namespace bpx::bridge {
namespace {

using test::depth_snapshot;
using test::depth_update;

BookSnapshot snapshot(const proto::DepthSnapshot& depth) {
  return {.last_update_id = depth.last_update_id, .book = OrderBook(depth)};
}

/// A market in which update `n` sets the quantity at price 1 to `n`: the book tells by that which
/// update it is of.
class BookSyncTest : public testing::Test {
 protected:
  BookSyncTest() { sync_.on_subscribed(); }

  void update(std::uint64_t first, std::uint64_t last, bool has_gap = false) {
    sync_.on_update(depth_update(first, last, {{"1", std::to_string(last)}}), has_gap);
  }
  void update(std::uint64_t id) { update(id, id); }
  void snapshot_of(std::uint64_t id) {
    sync_.on_snapshot(snapshot(depth_snapshot(id, {{"1", std::to_string(id)}}, {{"0.5", "7"}})));
  }
  /// In sync at update 10.
  void begin() {
    update(10);
    snapshot_of(10);
    expect_in_sync_at(10);
  }

  void expect_in_sync_at(std::uint64_t id) {
    ASSERT_TRUE(sync_.is_in_sync());
    EXPECT_FALSE(sync_.wants_snapshot());
    EXPECT_EQ(sync_.last_update_id(), id);
    std::string json;
    sync_.book().append_json(json, id, 0);
    EXPECT_EQ(json, R"({"asks":[["1",")" + std::to_string(id) +
                        R"("]],"bids":[["0.5","7"]],"lastUpdateId":")" + std::to_string(id) +
                        R"(","timestamp":0})");
  }
  void expect_syncing(bool wants_snapshot) {
    EXPECT_FALSE(sync_.is_in_sync());
    EXPECT_EQ(sync_.wants_snapshot(), wants_snapshot);
  }

  BookSync sync_;
};

TEST_F(BookSyncTest, WantsASnapshotOnceTheStreamSpeaks) {
  expect_syncing(false);
  update(10);
  expect_syncing(true);
}

TEST_F(BookSyncTest, JoinsASnapshotWithTheUpdatesAfterIt) {
  for (std::uint64_t id = 10; id <= 15; ++id) update(id);
  snapshot_of(12);
  expect_in_sync_at(15);
  update(16);
  expect_in_sync_at(16);
}

TEST_F(BookSyncTest, IsInDoubtBetweenAnIdThatJumpsBackAndTheNextOne) {
  begin();
  constexpr bool kHasGap = true;
  update(1, 1, kHasGap);
  expect_syncing(false);
  update(2);
  expect_syncing(true);
  snapshot_of(2);
  expect_in_sync_at(2);
}

TEST_F(BookSyncTest, IsRightAgainWhereAnIdThatJumpsBackWasARepetition) {
  begin();
  constexpr bool kHasGap = true;
  update(9, 9, kHasGap);
  expect_syncing(false);
  update(11);
  expect_in_sync_at(11);
}

TEST_F(BookSyncTest, IsLostWhereANewCountGoesBeyondTheOldOneAtOnce) {
  for (const bool is_flagged : {false, true}) {
    sync_ = BookSync();
    sync_.on_subscribed();
    begin();
    update(7, 8, is_flagged);
    update(9, 12);
    expect_syncing(true);
    EXPECT_EQ(sync_.loss(), BookLoss::ids_began_anew);
    snapshot_of(12);
    expect_in_sync_at(12);
  }
}

TEST_F(BookSyncTest, IsLostWhereANewCountSkipsBeyondTheOldOne) {
  begin();
  constexpr bool kHasGap = true;
  update(1, 1, kHasGap);
  update(9, 12, kHasGap);
  expect_syncing(true);
}

TEST_F(BookSyncTest, PutsNothingAsideOfBeforeANewCountThatGoesBeyondTheOldOne) {
  update(10);
  update(7, 8);
  update(9, 12);
  snapshot_of(9);
  expect_in_sync_at(12);
  EXPECT_EQ(sync_.resyncs(), 0U);
}

TEST_F(BookSyncTest, TakesARepetitionOfTheLastUpdateForNoNewCount) {
  begin();
  update(10);
  update(11);
  expect_in_sync_at(11);
}

TEST_F(BookSyncTest, JoinsNothingOfBeforeAnIdThatJumpsBack) {
  constexpr bool kHasGap = true;
  update(10);
  update(1, 1, kHasGap);
  snapshot_of(10);
  EXPECT_FALSE(sync_.is_in_sync());
  update(2);
  snapshot_of(2);
  expect_in_sync_at(2);
}

TEST_F(BookSyncTest, JoinsASnapshotThatIsAsNewAsTheStream) {
  update(10);
  update(11);
  snapshot_of(11);
  expect_in_sync_at(11);
}

TEST_F(BookSyncTest, JoinsASnapshotThatEndsJustBeforeTheFirstUpdate) {
  update(10);
  snapshot_of(9);
  expect_in_sync_at(10);
}

TEST_F(BookSyncTest, RefusesASnapshotThatIsTooOldAndWantsAnother) {
  update(10);
  snapshot_of(8);
  expect_syncing(true);
  update(11);
  snapshot_of(11);
  expect_in_sync_at(11);
}

TEST_F(BookSyncTest, HoldsASnapshotThatIsNewerUntilTheStreamHasCaughtUp) {
  update(10);
  snapshot_of(13);
  expect_syncing(false);
  update(11);
  update(12);
  expect_syncing(false);
  update(13);
  expect_in_sync_at(13);
}

TEST_F(BookSyncTest, HoldsNoSnapshotBeyondTheSubscription) {
  update(10);
  snapshot_of(13);
  sync_.on_unsubscribed(BookLoss::disconnected);
  snapshot_of(14);
  sync_.on_subscribed();
  update(12);
  expect_syncing(true);
  update(13);
  expect_syncing(true);
}

TEST_F(BookSyncTest, JoinsASnapshotFromWithinTheRangeOfAnAggregatedUpdate) {
  update(10, 20);
  snapshot_of(15);
  expect_in_sync_at(20);
  update(21, 30);
  expect_in_sync_at(30);
}

TEST_F(BookSyncTest, HoldsASnapshotFromWithinARangeYetToCome) {
  update(10, 20);
  snapshot_of(25);
  expect_syncing(false);
  update(21, 30);
  expect_in_sync_at(30);
}

TEST_F(BookSyncTest, PassesOverAHeldSnapshotThatAGapMakesUseless) {
  update(10);
  snapshot_of(12);
  update(15);
  expect_syncing(true);
  snapshot_of(15);
  expect_in_sync_at(15);
}

TEST_F(BookSyncTest, UsesAHeldSnapshotThatCoversAGap) {
  update(10);
  snapshot_of(15);
  update(14);
  expect_syncing(false);
  update(16);
  expect_in_sync_at(16);
}

TEST_F(BookSyncTest, LosesTheBookAtAGapAndBuildsItAnew) {
  begin();
  update(12);
  expect_syncing(true);
  EXPECT_EQ(sync_.loss(), BookLoss::gap);
  EXPECT_EQ(sync_.resyncs(), 1U);
  EXPECT_EQ(sync_.book().size(), 0U);
  update(13);
  snapshot_of(12);
  expect_in_sync_at(13);
}

TEST_F(BookSyncTest, StartsOverAtAGapWhileASnapshotIsAwaited) {
  update(10);
  update(12);
  update(13);
  snapshot_of(10);
  expect_syncing(true);
  snapshot_of(11);
  expect_in_sync_at(13);
}

TEST_F(BookSyncTest, LosesTheBookAtAMessageThatCannotBeRead) {
  begin();
  sync_.on_malformed();
  expect_syncing(false);
  EXPECT_EQ(sync_.loss(), BookLoss::malformed);
  update(12);
  expect_syncing(true);
  snapshot_of(10);  // the one that could not be read is missing from it
  expect_syncing(true);
  snapshot_of(11);
  expect_in_sync_at(12);
}

TEST_F(BookSyncTest, ForgetsUpdatesBeforeAMessageThatCannotBeRead) {
  update(10);
  sync_.on_malformed();
  expect_syncing(false);
  update(12);
  snapshot_of(10);
  expect_syncing(true);
}

TEST_F(BookSyncTest, TakesARepetitionForNothingNew) {
  begin();
  update(11);
  update(11);
  update(11);
  expect_in_sync_at(11);
  update(12);
  expect_in_sync_at(12);
  EXPECT_EQ(sync_.resyncs(), 0U);
}

TEST_F(BookSyncTest, TakesARepetitionForNothingNewWhileASnapshotIsAwaited) {
  update(10);
  update(11);
  update(11);
  update(12);
  snapshot_of(10);
  expect_in_sync_at(12);
}

TEST_F(BookSyncTest, AppliesAnUpdateThatOverlapsTheOneBefore) {
  begin();
  update(9, 12);
  expect_in_sync_at(12);
}

TEST_F(BookSyncTest, IsBuiltAnewWhereItWouldGrowWithoutEnd) {
  begin();
  std::uint64_t id = 10;
  const auto add_level = [&] {
    ++id;
    const auto price = std::to_string(1'000'000 - id);
    sync_.on_update(depth_update(id, id, {{price, "1"}}), false);
  };
  while (sync_.is_in_sync() && id < 2 * OrderBook::kMaxLevels) add_level();
  EXPECT_EQ(id, 10 + OrderBook::kMaxLevels) << "the level at price 1 was there before";
  expect_syncing(true);
  EXPECT_EQ(sync_.loss(), BookLoss::too_many_levels);
  EXPECT_EQ(sync_.resyncs(), 1U);
  EXPECT_EQ(sync_.book().size(), 0U);
  update(++id);
  snapshot_of(id - 1);
  expect_in_sync_at(id);
}

TEST_F(BookSyncTest, JoinsNoSnapshotThatWouldBecomeTooLarge) {
  std::vector<std::string> prices;
  for (std::size_t i = 0; i < OrderBook::kMaxLevels; ++i)
    prices.push_back(std::to_string(1'000'000 - i));
  auto all_at_once = depth_update(11, 11);
  for (const auto& price : prices) all_at_once.asks.push_back({.price = price, .quantity = "1"});
  sync_.on_update(all_at_once, false);
  snapshot_of(10);
  expect_syncing(false);
  EXPECT_EQ(sync_.loss(), BookLoss::too_many_levels);
}

TEST_F(BookSyncTest, LosesTheBookAtAnUpdateOfMoreChangesThanABookHasLevels) {
  begin();
  auto large = depth_update(11, 11, {}, {{"0.5", "7"}});
  large.asks.assign(BookSync::kMaxChanges - 1, {.price = "1", .quantity = "11"});
  sync_.on_update(large, /*has_gap=*/false);
  expect_in_sync_at(11);
  large.first_update_id = large.last_update_id = 12;
  large.bids.push_back({.price = "0.5", .quantity = "7"});
  sync_.on_update(large, /*has_gap=*/false);
  expect_syncing(false);
  EXPECT_EQ(sync_.loss(), BookLoss::too_many_changes);
  EXPECT_EQ(sync_.resyncs(), 1U);
  update(13);
  snapshot_of(12);
  expect_in_sync_at(13);
}

TEST_F(BookSyncTest, JoinsNoSnapshotWithAnUpdateOfTooManyChanges) {
  update(10);
  auto large = depth_update(11, 11);
  large.asks.assign(BookSync::kMaxChanges + 1, {.price = "1", .quantity = "11"});
  sync_.on_update(large, /*has_gap=*/false);
  expect_syncing(false);
  update(12);
  snapshot_of(10);
  expect_syncing(true);
  snapshot_of(11);
  expect_in_sync_at(12);
}

TEST_F(BookSyncTest, SeesThatTheExchangeCountsAnew) {
  begin();
  update(1);
  expect_in_sync_at(10);
  update(2);
  expect_syncing(true);
  EXPECT_EQ(sync_.loss(), BookLoss::ids_began_anew);
  update(3);
  snapshot_of(2);
  expect_in_sync_at(3);
}

TEST_F(BookSyncTest, SeesThatTheExchangeCountsAnewWhileASnapshotIsAwaited) {
  update(10);
  update(1);
  update(2);
  update(3);
  snapshot_of(2);
  expect_in_sync_at(3);
}

TEST_F(BookSyncTest, AsksAgainWhereTheStreamNeverCatchesUpWithASnapshot) {
  update(10);
  snapshot_of(1'000'000);
  std::uint64_t id = 10;
  while (!sync_.wants_snapshot() && id < 10 + 2 * BookSync::kPatience) update(++id);
  expect_syncing(true);
  update(++id);
  snapshot_of(id);
  expect_in_sync_at(id);
}

TEST_F(BookSyncTest, KeepsTheNearerOfTwoSnapshotsThatTheStreamHasYetToReach) {
  update(10);
  snapshot_of(10 + 2 * BookSync::kPatience);
  auto id = 10 + BookSync::kPatience;
  for (std::uint64_t next = 11; next <= id; ++next) update(next);
  expect_syncing(true);
  snapshot_of(10 + 3 * BookSync::kPatience);
  expect_syncing(false);
  while (id < 10 + 2 * BookSync::kPatience) update(++id);
  expect_in_sync_at(id);
}

TEST_F(BookSyncTest, IsNotInSyncWithoutASubscription) {
  begin();
  sync_.on_unsubscribed(BookLoss::disconnected);
  expect_syncing(false);
  EXPECT_EQ(sync_.loss(), BookLoss::disconnected);
  sync_.on_subscribed();
  expect_syncing(false);
}

TEST_F(BookSyncTest, IsLostOnceThoughAnotherReasonFollows) {
  begin();
  sync_.on_unsubscribed(BookLoss::unsubscribed);
  EXPECT_EQ(sync_.loss(), BookLoss::unsubscribed);
  sync_.on_unsubscribed(BookLoss::disconnected);
  EXPECT_EQ(sync_.loss(), BookLoss::unsubscribed);
}

TEST_F(BookSyncTest, GoesOnAfterAReconnectWhereIdsProveThatNothingWasMissed) {
  begin();
  sync_.on_unsubscribed(BookLoss::disconnected);
  sync_.on_subscribed();
  update(11);
  expect_in_sync_at(11);
  EXPECT_EQ(sync_.resyncs(), 0U);
}

TEST_F(BookSyncTest, TakesNoSnapshotForAProofThatASubscriptionIsInForce) {
  begin();
  sync_.on_unsubscribed(BookLoss::disconnected);
  sync_.on_subscribed();
  snapshot_of(10);
  expect_syncing(false);
  update(10);  // nor what it knows already
  expect_syncing(false);
  update(11);
  expect_in_sync_at(11);
}

TEST_F(BookSyncTest, IsBuiltAnewAfterAReconnectThatMissedSomething) {
  begin();
  sync_.on_unsubscribed(BookLoss::disconnected);
  sync_.on_subscribed();
  update(20);
  expect_syncing(true);
  EXPECT_EQ(sync_.resyncs(), 1U);
  snapshot_of(20);
  expect_in_sync_at(20);
}

TEST_F(BookSyncTest, GoesOnWithWhatComesLateButIsNotInSyncByIt) {
  begin();
  sync_.on_unsubscribed(BookLoss::disconnected);
  update(11);
  expect_syncing(false);
  sync_.on_subscribed();
  expect_syncing(false);
  update(12);
  expect_in_sync_at(12);
  EXPECT_EQ(sync_.resyncs(), 0U);
}

TEST_F(BookSyncTest, JoinsNothingThatCameBeforeTheSubscription) {
  update(10);
  sync_.on_unsubscribed(BookLoss::disconnected);
  update(11);
  expect_syncing(false);
  sync_.on_subscribed();
  snapshot_of(11);
  expect_syncing(false);
  update(12);
  expect_in_sync_at(12);
}

TEST_F(BookSyncTest, PaysNoHeedToASnapshotThatComesWhileInSync) {
  begin();
  update(11);
  snapshot_of(10);
  expect_in_sync_at(11);
  snapshot_of(500);
  expect_in_sync_at(11);
}

TEST_F(BookSyncTest, BoundsWhatIsPutAsideAndNeverJoinsAcrossWhatWasDropped) {
  const std::string text(1'000, '1');
  const auto count = BookSync::kMaxBytesAside / text.size();
  for (std::uint64_t id = 10; id < 10 + 2 * count; ++id)
    sync_.on_update(depth_update(id, id, {{text, "1"}}), false);
  snapshot_of(10);
  expect_syncing(true);
  snapshot_of(10 + 2 * count - 2);
  EXPECT_TRUE(sync_.is_in_sync());
  EXPECT_EQ(sync_.last_update_id(), 10 + 2 * count - 1);
}

TEST_F(BookSyncTest, PutsNoUpdateAsideThatIsLargerThanAllThatMayBe) {
  const std::string price = '1' + std::string(63, '0');
  update(10);
  auto large = depth_update(11, 11);
  large.asks.assign(BookSync::kMaxChanges, {.price = price, .quantity = price});
  sync_.on_update(large, /*has_gap=*/false);
  expect_syncing(false);
  update(12);
  snapshot_of(10);
  expect_syncing(true);
  snapshot_of(11);
  expect_in_sync_at(12);
}

TEST_F(BookSyncTest, JoinsAHeldSnapshotThatIsAsNewAsAnUpdateTooLargeToBePutAside) {
  const std::string price = '1' + std::string(63, '0');
  update(10);
  snapshot_of(11);
  auto large = depth_update(11, 11);
  large.asks.assign(BookSync::kMaxChanges, {.price = price, .quantity = price});
  sync_.on_update(large, /*has_gap=*/false);
  expect_syncing(false);
  update(12);
  expect_in_sync_at(12);
}

/// Whatever happens, a book that says it is in sync is the exchange's book of that update.
TEST_F(BookSyncTest, IsNeverWrongWhateverIsLostRepeatedOrLate) {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    BookSync sync;
    sync.on_subscribed();
    std::vector<std::string> quantities(5, "1");  // the true book: prices 1 to 5
    const auto text = [&](const std::vector<std::string>& from, std::uint64_t id) {
      OrderBook book;
      for (std::size_t i = 0; i < from.size(); ++i)
        book.apply(depth_update(1, 1, {{std::to_string(i + 1), from[i]}}));
      std::string json;
      book.append_json(json, id, 0);
      return json;
    };
    std::vector<std::vector<std::string>> past{quantities};  // by update id
    proto::DepthUpdate last = depth_update(0, 0);
    std::vector<std::string> texts;
    int in_sync = 0;
    for (int step = 0; step < 400; ++step) {
      const auto id = past.size();
      const auto what = random() % 40;
      const auto price = random() % quantities.size();
      quantities[price] = std::to_string(random() % 3);
      past.push_back(quantities);
      texts = {std::to_string(price + 1), quantities[price]};
      last = depth_update(id, id, {{texts[0], texts[1]}});
      if (what == 0) continue;  // skipped
      sync.on_update(last, false);
      if (what == 1) sync.on_update(last, false);
      if (what == 2) sync.on_malformed();
      if (what == 3) sync.on_unsubscribed(BookLoss::disconnected);
      if (what == 3 || what == 4) sync.on_subscribed();
      if (what > 30 && sync.wants_snapshot()) {
        const auto of =
            std::min<std::size_t>(past.size() - 1, id - std::min<std::size_t>(id, random() % 4));
        proto::DepthSnapshot depth = depth_snapshot(of);
        for (std::size_t i = 0; i < quantities.size(); ++i) {
          static const std::string kPrices[] = {"1", "2", "3", "4", "5"};
          depth.asks.push_back({kPrices[i], past[of][i]});
        }
        sync.on_snapshot(snapshot(depth));
      }
      if (!sync.is_in_sync()) continue;
      ++in_sync;
      std::string json;
      sync.book().append_json(json, sync.last_update_id(), 0);
      ASSERT_EQ(sync.last_update_id(), id);
      ASSERT_EQ(json, text(past[id], id)) << "seed " << seed << " step " << step;
    }
    EXPECT_GT(in_sync, 50) << "seed " << seed;
  }
}

}  // namespace
}  // namespace bpx::bridge
