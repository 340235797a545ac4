#include "bridge/upstream/probe_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;
using Standing = Probe::Standing;

constexpr Probe::TimePoint kNow{1h};

bool none(Probe::Index, Standing) { return false; }

/// The first stream of each probe, in the order in which they are taken.
std::vector<Probe::Index> drain(ProbeQueue& queue) {
  std::vector<Probe::Index> taken;
  while (const auto probe = queue.take(kNow, none)) taken.push_back(probe->streams.front());
  return taken;
}

void suspect(ProbeQueue& queue, Probe::Index stream, std::uint64_t consumer) {
  queue.push_back({.streams = {stream}, .record = {.lane = {Standing::suspects, consumer}}});
}

TEST(ProbeQueue, GathersTheStreamsOfALaneInTheirOrder) {
  ProbeQueue queue;
  queue.add(1, {Standing::newcomers, 7});
  queue.add(2, {Standing::newcomers, 8});
  queue.add(3, {Standing::newcomers, 7});
  queue.add(4, {Standing::suspects, 7});
  EXPECT_EQ(queue.places(), 4U);
  EXPECT_THAT(queue.take(kNow, none)->streams, ElementsAre(1U, 3U));
  EXPECT_THAT(queue.take(kNow, none)->streams, ElementsAre(4U));
  EXPECT_THAT(queue.take(kNow, none)->streams, ElementsAre(2U));
  EXPECT_FALSE(queue.take(kNow, none));
}

TEST(ProbeQueue, TakesWhatIsToBeKeptFirstThenTheConfiguredButASecondLookBeforeAll) {
  ProbeQueue queue;
  suspect(queue, 1, 7);
  queue.add(2, {Standing::newcomers, 7});
  queue.add(3, {Standing::configured, 0});
  queue.add(4, {Standing::kept, 0});
  queue.push_back(
      {.streams = {5}, .record = {.lane = {Standing::suspects, 7}, .is_second_look = true}});
  EXPECT_THAT(drain(queue), ElementsAre(5U, 4U, 3U, 2U, 1U));
}

TEST(ProbeQueue, PutsTheSecondLooksOfTheConfigurationOffUntilTheRestOfItWasAsked) {
  ProbeQueue queue;
  queue.push_back(
      {.streams = {1}, .record = {.lane = {Standing::configured, 0}, .is_second_look = true}});
  queue.add(2, {Standing::newcomers, 7});
  queue.push_back({.streams = {3}, .record = {.lane = {Standing::configured, 0}}});
  EXPECT_THAT(drain(queue), ElementsAre(3U, 1U, 2U));
}

TEST(ProbeQueue, LetsNewcomersAndSuspectsTakeTurns) {
  ProbeQueue queue;
  for (Probe::Index i = 0; i < 3; ++i) {
    suspect(queue, i, 7);
    queue.add(10 + i, {Standing::newcomers, i});
  }
  EXPECT_THAT(drain(queue), ElementsAre(10U, 0U, 11U, 1U, 12U, 2U));
}

TEST(ProbeQueue, LetsTheConsumersOfSuspectsTakeTurns) {
  ProbeQueue queue;
  for (Probe::Index i = 0; i < 3; ++i) suspect(queue, i, 7);
  for (Probe::Index i = 10; i < 12; ++i) suspect(queue, i, 0);
  suspect(queue, 20, 9);
  EXPECT_THAT(drain(queue), ElementsAre(10U, 20U, 0U, 11U, 1U, 2U));
}

TEST(ProbeQueue, ComesToEverySuspectThoughEverNewConsumersArrive) {
  ProbeQueue queue;
  suspect(queue, 0, 5);
  suspect(queue, 1, 6);
  std::vector<Probe::Index> taken;
  for (Probe::Index later = 10; later < 20; ++later) {
    suspect(queue, later, later);
    taken.push_back(queue.take(kNow, none)->streams.front());
  }
  EXPECT_THAT(taken, testing::Contains(0U));
  EXPECT_THAT(taken, testing::Contains(1U));
}

TEST(ProbeQueue, LeavesWhatIsNotDueAndWhatIsSettled) {
  ProbeQueue queue;
  queue.push_back({.streams = {1}, .not_before = kNow + 1s});
  queue.add(2, {Standing::newcomers, 7});
  queue.add(3, {Standing::newcomers, 8});
  queue.add(4, {Standing::newcomers, 8});
  queue.remove(4);
  EXPECT_TRUE(queue.has_due(kNow));
  EXPECT_THAT(queue.take(kNow, [](Probe::Index i, Standing) { return i == 2; })->streams,
              ElementsAre(3U));
  EXPECT_FALSE(queue.has_due(kNow));
  EXPECT_EQ(queue.next_due(), kNow + 1s);
  EXPECT_FALSE(queue.take(kNow, none));
  queue.clear();
  EXPECT_EQ(queue.next_due(), std::nullopt);
  EXPECT_THAT(drain(queue), IsEmpty());
}

}  // namespace
}  // namespace bpx::bridge
