#include "bridge/relay/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kMiB = 1U << 20U;

/// A history and the sequence that it has come to.
struct Kept {
  explicit Kept(History& history) : of_stream(history) {}

  void keep(std::string_view payload) {
    proto::MessageHeader header;
    header.sequence = ++sequence;
    of_stream.keep(header, payload);
  }

  std::vector<std::string> from(std::uint64_t first) const {
    std::vector<std::string> texts;
    StreamHistory::Place place(first);
    std::string payload;
    while (const auto header = of_stream.read_next(place, payload))
      texts.push_back(std::to_string(header->sequence) + ':' + payload);
    return texts;
  }

  std::uint64_t oldest() const { return sequence - of_stream.size() + 1; }

  StreamHistory of_stream;
  std::uint64_t sequence = 0;
};

TEST(History, GivesBackWhatWasKeptFromASequenceOn) {
  History history({});
  Kept kept(history);
  EXPECT_THAT(kept.from(0), IsEmpty());
  for (const auto* text : {"a", "", "ccc"}) kept.keep(text);
  EXPECT_THAT(kept.from(0), ElementsAre("1:a", "2:", "3:ccc"));
  EXPECT_THAT(kept.from(3), ElementsAre("3:ccc"));
  EXPECT_THAT(kept.from(4), IsEmpty());
}

TEST(History, KeepsTheHeaderAsItWas) {
  History history({});
  StreamHistory stream(history);
  const proto::MessageHeader header{.flags = 6,
                                    .connection = 3,
                                    .epoch_us = 7,
                                    .sequence = 1,
                                    .received_ns = 11,
                                    .event_ns = -5,
                                    .sent_ns = 13};
  stream.keep(header, "x");
  StreamHistory::Place place;
  std::string payload;
  EXPECT_EQ(stream.read_next(place, payload), header);
}

TEST(History, IsReadOnWhereAReadingStoppedWhateverHasBeenKeptAndForgottenSince) {
  History history({.messages = 4, .bytes = kMiB});
  Kept kept(history);
  for (const auto* text : {"a", "b", "c"}) kept.keep(text);
  StreamHistory::Place place(2);
  std::string payload;
  const auto next = [&] {
    const auto header = kept.of_stream.read_next(place, payload);
    return header ? std::to_string(header->sequence) + ':' + payload : "nothing";
  };
  EXPECT_EQ(next(), "2:b");
  EXPECT_EQ(next(), "3:c");
  EXPECT_EQ(next(), "nothing");
  kept.keep("d");
  EXPECT_EQ(next(), "4:d") << "what came after the end had been reached";
  for (const auto* text : {"e", "f"}) kept.keep(text);
  EXPECT_EQ(next(), "5:e") << "what it had read is kept no more, but for the last";
  for (const auto* text : {"g", "h", "i", "j"}) kept.keep(text);
  EXPECT_EQ(next(), "7:g") << "the oldest, where even that is gone";
}

TEST(History, IsReadOnFromTheBeginningWhereEverythingHadToGo) {
  History history({.messages = 10, .bytes = 32'768});
  Kept kept(history);
  for (const auto* text : {"a", "b"}) kept.keep(text);
  StreamHistory::Place place;
  std::string payload;
  while (kept.of_stream.read_next(place, payload)) {
  }
  kept.keep(std::string(40'000, 'x'));  // beyond the bound: nothing is kept
  Kept other(history);
  other.keep(std::string(10'000, 'o'));  // where the first had been
  EXPECT_EQ(kept.of_stream.read_next(place, payload), std::nullopt);
  kept.keep("c");
  const auto header = kept.of_stream.read_next(place, payload);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->sequence, 4U);
  EXPECT_EQ(payload, "c");
}

/// Whether what is kept is the last of `said`, as many as are kept, without a hole.
testing::AssertionResult is_end_of(const std::vector<std::string>& said, const Kept& kept) {
  StreamHistory::Place place;
  std::string payload;
  auto sequence = kept.oldest();
  while (const auto header = kept.of_stream.read_next(place, payload)) {
    if (header->sequence != sequence || payload != said[sequence - 1])
      return testing::AssertionFailure() << "at " << sequence << ": " << header->sequence;
    ++sequence;
  }
  if (sequence == said.size() + 1) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "up to " << sequence - 1 << " of " << said.size();
}

/// Messages of every size: some fill their chunks to the last byte, some end there after having
/// begun in the chunk before.
class HistoryOfSizes : public testing::TestWithParam<History::Limits> {};

TEST_P(HistoryOfSizes, IsAnUnbrokenRunAtAnyTime) {
  for (std::size_t size = 0; size < 200; ++size) {
    History history(GetParam());
    std::deque<Kept> streams;
    std::vector<std::vector<std::string>> said(2);
    for (std::size_t i = 0; i < said.size(); ++i) streams.emplace_back(history);
    for (int i = 0; i < 150; ++i) {
      const auto which = i % 3 == 0 ? 0U : 1U;
      said[which].emplace_back(size, static_cast<char>('a' + i % 26));
      streams[which].keep(said[which].back());
      ASSERT_GT(streams[which].of_stream.size(), 0U);
      for (std::size_t each = 0; each < said.size(); ++each)
        ASSERT_TRUE(is_end_of(said[each], streams[each])) << "of size " << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(WhateverIsFull, HistoryOfSizes,
                         testing::Values(History::Limits{.messages = 1, .bytes = kMiB},
                                         History::Limits{.messages = 40, .bytes = kMiB},
                                         History::Limits{.messages = 1'000,
                                                         .bytes = std::size_t{4} * 4'096}),
                         [](const auto& limits) {
                           if (limits.param.bytes < kMiB) return "Memory";
                           return limits.param.messages == 1 ? "OneMessage" : "Messages";
                         });

TEST(History, GivesUpItsOwnOldestForOneThatNeedsNearlyEverything) {
  History history({.messages = 1'000, .bytes = std::size_t{8} * 4'096});
  Kept kept(history);
  std::vector<std::string> said;
  for (const std::size_t size : {100, 5'000, 24'000, 0, 24'000, 3'000, 3'000, 20'000, 80}) {
    said.emplace_back(size, static_cast<char>('a' + said.size()));
    kept.keep(said.back());
    ASSERT_GT(kept.of_stream.size(), 0U) << size;
    ASSERT_TRUE(is_end_of(said, kept)) << size;
  }
}

TEST(History, IsReadOnAtTheOldestWhereAReadingLagsBehindWhatIsGivenUp) {
  History history({.messages = 100'000, .bytes = std::size_t{8} * 4'096});
  Kept kept(history);
  StreamHistory::Place place;
  std::string payload;
  std::uint64_t next = 1;
  bool has_lagged = false;
  for (int i = 0; i < 2'000; ++i) {
    kept.keep(std::string(static_cast<std::size_t>(i % 300), 'x'));
    if (i % 7 != 0) continue;
    const auto header = kept.of_stream.read_next(place, payload);
    ASSERT_TRUE(header);
    ASSERT_EQ(header->sequence, std::max(next, kept.oldest()));
    has_lagged |= next < kept.oldest();
    next = header->sequence + 1;
  }
  EXPECT_TRUE(has_lagged);
}

TEST(History, ForgetsTheOldestBeyondItsNumberOfMessages) {
  History history({.messages = 3, .bytes = kMiB});
  Kept kept(history);
  for (const auto* text : {"a", "b", "c", "d", "e"}) kept.keep(text);
  EXPECT_THAT(kept.from(0), ElementsAre("3:c", "4:d", "5:e"));
}

TEST(History, KeepsNothingWhereEitherLimitIsZero) {
  History no_messages({.messages = 0, .bytes = kMiB});
  History no_bytes({.messages = 10, .bytes = 0});
  for (auto* history : {&no_messages, &no_bytes}) {
    Kept kept(*history);
    kept.keep("a");
    EXPECT_THAT(kept.from(0), IsEmpty());
    EXPECT_EQ(history->bytes(), 0U);
  }
}

TEST(History, KeepsMessagesLargerThanAChunk) {
  History history({.messages = 10, .bytes = kMiB});
  Kept kept(history);
  const std::string large(300'000, 'x');
  kept.keep("before");
  kept.keep(large);
  kept.keep("after");
  EXPECT_THAT(kept.from(0), ElementsAre("1:before", "2:" + large, "3:after"));
}

TEST(History, LeavesNoHoleWhereAMessageIsTooLargeToKeep) {
  History history({.messages = 10, .bytes = kMiB});
  Kept kept(history);
  kept.keep("before");
  kept.keep(std::string(2 * kMiB, 'x'));
  EXPECT_THAT(kept.from(0), IsEmpty());
  kept.keep("after");
  EXPECT_THAT(kept.from(0), ElementsAre("3:after"));
}

TEST(History, IsFairToQuietStreamsWhereMemoryRunsOut) {
  History history({.messages = 1'000'000, .bytes = kMiB});
  Kept quiet(history);
  Kept busy(history);
  for (int i = 0; i < 10; ++i) quiet.keep("rarely");
  for (int i = 0; i < 100'000; ++i) busy.keep(std::string(150, 'x'));
  EXPECT_EQ(quiet.of_stream.size(), 10U);
  EXPECT_GT(busy.of_stream.size(), 4'000U) << "most of the memory is the busy stream's";
  EXPECT_LE(history.bytes(), kMiB);
}

TEST(History, SharesEquallyAmongStreamsThatAreEquallyBusy) {
  History history({.messages = 1'000'000, .bytes = kMiB});
  std::deque<Kept> streams;
  for (int i = 0; i < 8; ++i) streams.emplace_back(history);
  for (int i = 0; i < 20'000; ++i)
    for (auto& stream : streams) stream.keep(std::string(150, 'x'));
  for (const auto& stream : streams) {
    EXPECT_GT(stream.of_stream.size(), 500U);
    EXPECT_LT(stream.of_stream.size(), 800U);
  }
}

TEST(History, AllocatesNothingMoreOnceTheBoundIsReached) {
  History history({.messages = 100, .bytes = kMiB});
  Kept kept(history);
  for (int i = 0; i < 1'000; ++i) kept.keep(std::string(1'000, 'x'));
  const auto warm = history.bytes();
  EXPECT_LT(warm, 130'000U) << "a hundred messages of a thousand bytes";
  for (int i = 0; i < 10'000; ++i) kept.keep(std::string(1'000, 'x'));
  EXPECT_EQ(history.bytes(), warm);
}

TEST(History, HoldsAnUnbrokenRunUpToTheNewestWhateverComes) {
  std::mt19937_64 random(11);
  History history({.messages = 50, .bytes = 256 * 1024});
  std::deque<Kept> streams;
  std::vector<std::vector<std::string>> said(20);
  for (std::size_t i = 0; i < said.size(); ++i) streams.emplace_back(history);
  for (int i = 0; i < 20'000; ++i) {
    const auto which = random() % said.size();
    const auto size = random() % 100 == 0 ? random() % 300'000 : random() % 600;
    said[which].emplace_back(size, static_cast<char>('a' + i % 26));
    streams[which].keep(said[which].back());
    ASSERT_LE(history.bytes(), 256U * 1024U);
  }
  std::size_t checked = 0;
  for (std::size_t i = 0; i < said.size(); ++i) {
    auto sequence = streams[i].oldest();
    StreamHistory::Place place;
    std::string payload;
    while (const auto header = streams[i].of_stream.read_next(place, payload)) {
      ASSERT_EQ(header->sequence, sequence);
      ASSERT_EQ(payload, said[i][sequence - 1]);
      ++sequence;
      ++checked;
    }
    EXPECT_EQ(sequence, streams[i].sequence + 1);
  }
  EXPECT_GT(checked, 100U);
}

}  // namespace
}  // namespace bpx::bridge
