#include "bridge/upstream/snapshot_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;
using Errand = SnapshotQueue::Errand;
using TimePoint = SnapshotQueue::TimePoint;
using Trouble = SnapshotQueue::Trouble;

constexpr TimePoint kBegin{1h};
constexpr Backoff::Options kBackoff{.initial = 100ms, .max = 30s};

/// A queue, and a clock that jumps to where there is something to do.
class SnapshotQueueTest : public testing::Test {
 protected:
  void begin(std::size_t books, std::uint64_t seed = 1) {
    queue_.emplace(kBackoff, books, seed);
    now_ = kBegin;
  }

  void want_all(std::size_t books) {
    for (std::size_t book = 0; book < books; ++book) queue_->want(book, now_);
  }

  /// What is to be fetched next, at the time when it is.
  Errand take() {
    now_ = std::max(now_, queue_->next());
    const auto errand = queue_->take(now_);
    EXPECT_TRUE(errand) << "nothing is due when it said";
    return errand.value_or(Errand{});
  }

  SnapshotQueue::Failure fail(const Errand& errand, Trouble trouble,
                              SnapshotQueue::Milliseconds at_least = 0ms) {
    const auto failure = queue_->failed(errand, trouble, at_least, now_);
    EXPECT_TRUE(failure);
    return failure.value_or(SnapshotQueue::Failure{});
  }

  bool is_idle() const { return queue_->next() == TimePoint::max(); }

  std::optional<SnapshotQueue> queue_;
  TimePoint now_;
};

TEST_F(SnapshotQueueTest, FetchesAtAPaceHoweverManyBooksAreLostAtOnce) {
  constexpr std::size_t kBooks = 200;
  constexpr auto kMost = SnapshotQueue::kPerSecond;
  begin(kBooks);
  want_all(kBooks);
  std::vector<TimePoint> asked;
  while (!is_idle()) {
    const auto errand = take();
    asked.push_back(now_);
    EXPECT_TRUE(queue_->delivered(errand, now_));
  }
  ASSERT_EQ(asked.size(), kBooks);
  for (std::size_t i = kMost; i < asked.size(); ++i) EXPECT_GT(asked[i] - asked[i - kMost], 1s);
  EXPECT_LT(asked.back() - kBegin, 25s) << "it wastes time";
}

TEST_F(SnapshotQueueTest, LeavesTheSiteAloneForAsLongAsItAsksThenTriesOneBook) {
  begin(3);
  want_all(3);
  const auto first = take();
  const auto second = take();
  const auto failure = fail(first, Trouble::of_site, 20s);
  EXPECT_EQ(failure.attempt, 1U);
  EXPECT_GE(failure.retry, 20s);
  EXPECT_LE(failure.retry, 20s + kBackoff.initial) << "more only so that not all come at once";
  EXPECT_TRUE(is_idle()) << "another is on its way, and will tell";
  fail(second, Trouble::of_site);
  EXPECT_FALSE(queue_->take(now_ + 20s - 1ms));
  const auto probe = take();
  EXPECT_GE(now_, kBegin + 20s);
  EXPECT_TRUE(is_idle()) << "nobody else asks until it is known whether that is over";
  EXPECT_TRUE(queue_->delivered(probe, now_));
  EXPECT_TRUE(queue_->delivered(take(), now_));
  EXPECT_TRUE(queue_->delivered(take(), now_));
  EXPECT_TRUE(is_idle());
}

TEST_F(SnapshotQueueTest, BacksOffFromASiteInTroubleAndNoTwoBridgesAlike) {
  std::vector<SnapshotQueue::Milliseconds> tenth;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    begin(5, 1'000 * seed);
    want_all(5);
    auto ceiling = kBackoff.initial;
    for (std::uint64_t attempt = 1; attempt <= 10; ++attempt) {
      const auto failure = fail(take(), Trouble::of_site);
      EXPECT_EQ(failure.attempt, attempt) << "whichever book it was";
      EXPECT_LE(failure.retry, ceiling);
      ceiling = std::min(2 * ceiling, kBackoff.max);
      if (attempt == 10) tenth.push_back(failure.retry);
    }
  }
  EXPECT_LT(*std::ranges::min_element(tenth), 10s);
  EXPECT_GT(*std::ranges::max_element(tenth), 20s);
}

TEST_F(SnapshotQueueTest, ForgetsTroubleWithTheFirstAnswer) {
  begin(2);
  want_all(2);
  for (int i = 0; i < 10; ++i) fail(take(), Trouble::of_site);
  EXPECT_TRUE(queue_->delivered(take(), now_));
  const auto failure = fail(take(), Trouble::of_site);
  EXPECT_EQ(failure.attempt, 1U);
  EXPECT_LE(failure.retry, kBackoff.initial);
}

TEST_F(SnapshotQueueTest, LetsABookThatIsNotToBeHadHoldUpNoOther) {
  begin(2);
  queue_->want(0, now_);
  for (std::uint64_t attempt = 1; attempt <= 10; ++attempt)
    EXPECT_EQ(fail(take(), Trouble::of_book).attempt, attempt);
  now_ += 1h;
  fail(take(), Trouble::of_book, 1min);
  queue_->want(1, now_);
  const auto errand = take();
  EXPECT_EQ(errand.book, 1U);
  EXPECT_LE(now_, kBegin + 1h + 10min) << "it waited for the other";
  EXPECT_TRUE(queue_->delivered(errand, now_));
  EXPECT_EQ(take().book, 0U);
}

TEST_F(SnapshotQueueTest, TakesAnAnswerToAnEarlierRequestForNoSignThatASiteIsWell) {
  begin(3);
  want_all(3);
  const auto first = take();
  const auto second = take();
  fail(first, Trouble::of_site, 1min);
  EXPECT_TRUE(queue_->delivered(second, now_));
  const auto probe = take();
  EXPECT_TRUE(is_idle()) << "nobody else asks until it is known whether that is over";
  EXPECT_EQ(fail(probe, Trouble::of_site, 1min).attempt, 2U);
}

TEST_F(SnapshotQueueTest, LaysAnUnclearTroubleToTheBookAsLongAsFewHaveIt) {
  constexpr auto kFew = SnapshotQueue::kMakeASite - 1;
  begin(kFew + 1);
  for (std::size_t book = 0; book < kFew; ++book) queue_->want(book, now_);
  for (int i = 0; i < 50; ++i) fail(take(), Trouble::unclear);
  queue_->want(kFew, now_);
  const auto before = now_;
  Errand errand = take();
  for (; errand.book != kFew; errand = take()) fail(errand, Trouble::unclear);
  EXPECT_LE(now_, before + 2s) << "it waited for the others";
  EXPECT_TRUE(queue_->delivered(errand, now_));
}

TEST_F(SnapshotQueueTest, LeavesTheSiteAloneForAsLongAsItAsksInUnclearTroubleToo) {
  begin(2);
  want_all(2);
  fail(take(), Trouble::unclear, 20s);
  EXPECT_GE(queue_->next(), now_ + 20s);
  take();
  EXPECT_FALSE(is_idle()) << "it is not in trouble";
}

TEST_F(SnapshotQueueTest, TellsThatTheSiteAsksToBeLeftAloneThoughTheBookIsAwaitedNoMore) {
  begin(2);
  want_all(2);
  const auto errand = take();
  queue_->forget(errand.book);
  EXPECT_EQ(fail(errand, Trouble::unclear, 20s).retry, 20s);
  EXPECT_GE(queue_->next(), now_ + 20s);
}

TEST_F(SnapshotQueueTest, LaysAnUnclearTroubleOfManyBooksToTheSiteUntilOneIsAnswered) {
  constexpr auto kMany = SnapshotQueue::kMakeASite;
  begin(kMany + 1);
  want_all(kMany + 1);
  for (std::set<std::size_t> failed; failed.size() < kMany;) {
    const auto errand = take();
    failed.insert(errand.book);
    fail(errand, Trouble::unclear);
  }
  const auto probe = take();
  EXPECT_TRUE(is_idle()) << "nobody else asks until it is known whether that is over";
  EXPECT_TRUE(queue_->delivered(probe, now_));
  fail(take(), Trouble::unclear);
  take();
  EXPECT_FALSE(is_idle()) << "one alone is not the site";
}

TEST_F(SnapshotQueueTest, LaysTheTroubleOfBooksThatAreWantedNoMoreToNoSite) {
  constexpr auto kMany = SnapshotQueue::kMakeASite;
  begin(2 * kMany);
  for (std::size_t book = 0; book < kMany; ++book) {
    queue_->want(book, now_);
    fail(take(), Trouble::unclear);
    queue_->forget(book);
  }
  for (std::size_t book = kMany; book < 2 * kMany; ++book) {
    queue_->want(book, now_);
    const auto errand = take();
    queue_->forget(book);
    EXPECT_FALSE(queue_->failed(errand, Trouble::unclear, 0ms, now_));
  }
  want_all(2);
  take();
  EXPECT_FALSE(is_idle()) << "the site is well";
}

TEST_F(SnapshotQueueTest, FetchesABookOnceAtATimeAndAgainWhereItWasLostMeanwhile) {
  begin(1);
  queue_->want(0, now_);
  const auto errand = take();
  EXPECT_TRUE(is_idle());
  queue_->forget(0);
  queue_->want(0, now_);
  EXPECT_TRUE(is_idle());
  EXPECT_FALSE(queue_->delivered(errand, now_)) << "it is from before the loss";
  EXPECT_TRUE(queue_->delivered(take(), now_));
  EXPECT_TRUE(is_idle());
}

TEST_F(SnapshotQueueTest, FetchesNothingThatIsWantedNoMore) {
  begin(1);
  queue_->want(0, now_);
  queue_->forget(0);
  EXPECT_TRUE(is_idle());
  queue_->want(0, now_);
  const auto errand = take();
  queue_->forget(0);
  EXPECT_FALSE(queue_->failed(errand, Trouble::of_book, 0ms, now_));
  EXPECT_TRUE(is_idle());
}

TEST_F(SnapshotQueueTest, WaitsLongerForABookThatIsLostAgainAndAgain) {
  begin(1);
  const auto lose = [&] {
    const auto lost = now_;
    queue_->want(0, now_);
    EXPECT_TRUE(queue_->delivered(take(), now_));
    return now_ - lost;
  };
  TimePoint::duration longest{0};
  for (int i = 0; i < 20; ++i) longest = std::max(longest, lose());
  EXPECT_GT(longest, 3s);
  now_ += kBackoff.stable_after;
  EXPECT_LE(lose(), kBackoff.initial) << "it has held for long";
}

}  // namespace
}  // namespace bpx::bridge
