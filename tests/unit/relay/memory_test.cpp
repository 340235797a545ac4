#include "bridge/relay/book.hpp"
#include "bridge/relay/books.hpp"
#include "bridge/relay/history.hpp"
#include "bridge/relay/relay.hpp"
#include "tests/support/market_messages.hpp"
#include "tests/support/padded.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMiB = 1U << 20U;

/// So that a run can be made longer than CTest's.
std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? std::stoull(text) : otherwise;
}

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Books of so many prices on each side, all of them worse than what MarketMessages tell.
class Depths {
 public:
  explicit Depths(std::size_t a_side) {
    texts_.reserve(2 * a_side);
    for (std::size_t i = 0; i < a_side; ++i) {
      depth_.asks.push_back({.price = price("9000", 1'000'000'000 + i), .quantity = "12.34"});
      depth_.bids.push_back({.price = price("0.", 1'000'000'000 + i), .quantity = "12.34"});
    }
  }

  OrderBook book() const { return OrderBook(depth_); }

 private:
  std::string_view price(std::string text, std::size_t number) {
    return texts_.emplace_back(std::move(text) + std::to_string(number));
  }

  std::vector<std::string> texts_;
  proto::DepthSnapshot depth_;
};

class Snapshots final : public SnapshotSource {
 public:
  void want(std::size_t book) override { wanted.push_back(book); }
  void forget(std::size_t book) override { std::erase(wanted, book); }

  std::vector<std::size_t> wanted;
};

/// An hour of 20,000 messages a second, as fast as it goes:
///     BPX_MESSAGES=72000000 build/plain/tests/unit/memory_test
/// They go the whole way through the bridge, to a libzmq that has no consumer to send them to. Four
/// markets stay within a band of prices; two never take a price back, so that their books outgrow
/// every bound again and again. Snapshots are large, and held until the stream has caught up with
/// them; and consumers ask for every book.
TEST(Memory, OfHistoryAndBooksStaysWithinItsBoundsHoweverMuchComes) {
  const auto messages = setting("BPX_MESSAGES", 2'000'000);
  constexpr std::size_t kHistoryBytes = 64 * kMiB;
  // Two sides of 50,000 levels, nodes of 112 bytes each; a snapshot that is held, likewise; what is
  // put aside; and the JSON, of some 24 bytes a level.
  constexpr std::size_t kSideBytes = OrderBook::kMaxLevels * 112;
  constexpr std::size_t kJsonBytes = std::size_t{2} * 2 * OrderBook::kMaxLevels * 24;
  constexpr std::size_t kBookBytes =
      2 * kSideBytes + 2 * kSideBytes + BookSync::kMaxBytesAside + kJsonBytes;
  constexpr std::uint64_t kAhead = 50;  // updates, of a snapshot
  // Heap that lies between what is used, stacks, and what libzmq and the log keep.
  constexpr std::size_t kOverhead = 16 * kMiB;

  const auto before = resident_bytes();
  test::MarketMessages quiet(/*symbols=*/4, /*ticks=*/2'000, "Q");
  test::MarketMessages wild(/*symbols=*/2, test::MarketMessages::kEverNew, "W");
  std::vector<std::string> names = quiet.streams();
  names.insert(names.end(), wild.streams().begin(), wild.streams().end());
  std::vector<std::string> depths = quiet.depth_streams();
  depths.insert(depths.end(), wild.depth_streams().begin(), wild.depth_streams().end());

  bool has_told = false;
  Log log({.sink = [&](LogLevel, std::string_view line) {
    has_told |= line.find("book lost stream=depth.W0_USDC reason=too_many_levels") != line.npos;
  }});
  Measurements measurements(names);
  Publisher publisher({.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {}, .linger = 0ms},
                      measurements, log);
  History history({.messages = 1'000'000, .bytes = kHistoryBytes});
  StreamTable streams(names, "", measurements, history);
  Snapshots snapshots;
  Books books(depths, streams, snapshots, log);
  Relay relay(1, streams, publisher, measurements);
  relay.begin_connection(1);
  for (const auto& depth : depths) relay.note_state(depth, StreamState::requested);

  const auto is_in_sync = [&](std::size_t book) {
    return streams.find(depths[book])->book->is_in_sync();
  };
  const Depths depth_of_snapshots(OrderBook::kMaxLevels / 2);
  std::size_t held = 0;
  std::size_t answered = 0;
  std::size_t highest_first = 0;
  std::size_t highest_second = 0;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < messages; ++i) {
    auto& market = i % 2 == 0 ? quiet : wild;
    ASSERT_EQ(relay.accept(market.next(), {.unix_ns = 1, .steady_ns = 1}).outcome,
              Relayed::Outcome::published);
    for (const auto book : std::exchange(snapshots.wanted, {})) {
      const auto& of = book < 4 ? quiet : wild;
      books.on_snapshot(book, {.last_update_id = of.last_update_id(book % 4) + kAhead,
                               .book = depth_of_snapshots.book()});
      held += is_in_sync(book) ? 0 : 1;
    }
    if (i % 10'000 == 0)
      for (std::size_t book = 0; book < depths.size(); ++book)
        if (is_in_sync(book)) answered += streams.find(depths[book])->book->json().size();
    if (i % 1'000 != 0) continue;
    auto& highest = i < messages / 2 ? highest_first : highest_second;
    highest = std::max(highest, resident_bytes());
  }
  const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - began);

  const auto bound = kHistoryBytes + depths.size() * kBookBytes;
  const auto grown = std::max(highest_first, highest_second) - before;
  std::cout << messages << " messages in " << took.count() << " s: resident memory grew by "
            << grown / kMiB << " MiB at most, of which the history took " << history.bytes() / kMiB
            << "; bounds " << bound / kMiB << " MiB; highest in the first half "
            << highest_first / kMiB << ", in the second " << highest_second / kMiB << " MiB\n";
  EXPECT_GE(held, 2 * depths.size() - 4) << "a snapshot of each, and another of each wild book";
  EXPECT_GT(answered, 100 * kMiB);
  EXPECT_TRUE(has_told) << "the wild books did not reach their bound";
  EXPECT_LE(history.bytes(), kHistoryBytes);
  EXPECT_GT(history.bytes(), kHistoryBytes - kMiB) << "the history did not reach its bound";
  EXPECT_LE(grown, bound + kOverhead);
  // In one half the wild books may be at their largest together, in the other one after the other.
  EXPECT_LE(highest_second, highest_first + 4 * kSideBytes) << "it grows on";
  for (const auto& stream : depths)
    EXPECT_EQ(measurements.of(stream).book_resyncs.value() > 0, stream.starts_with("depth.W"))
        << stream;
}

/// What README tells of a book.
TEST(Memory, OfABookFollowsFromItsPrices) {
  constexpr std::size_t kBooks = 100;
  constexpr std::size_t kLevels = 4'000;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kBooks; ++i) names.push_back("depth.S" + std::to_string(i) + "_USDC");
  Log log({.sink = [](LogLevel, std::string_view) {}});
  Measurements measurements(names);
  Publisher publisher({.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {}, .linger = 0ms},
                      measurements, log);
  History history({.messages = 0, .bytes = 0});
  StreamTable streams(names, "", measurements, history);
  Snapshots snapshots;
  Books books(names, streams, snapshots, log);
  Relay relay(1, streams, publisher, measurements);
  relay.begin_connection(1);
  for (const auto& name : names) {
    relay.note_state(name, StreamState::requested);
    const test::Padded message(R"({"data":{"U":7,"a":[],"b":[],"u":7},"stream":")" + name + "\"}");
    relay.accept(message.view(), {.unix_ns = 1, .steady_ns = 1});
  }
  const Depths depth(kLevels / 2);

  const auto before = resident_bytes();
  for (std::size_t i = 0; i < kBooks; ++i)
    books.on_snapshot(i, {.last_update_id = 7, .book = depth.book()});
  const auto kept = resident_bytes();
  for (const auto& name : names) {
    auto& book = *streams.find(name)->book;
    ASSERT_TRUE(book.is_in_sync());
    EXPECT_GT(book.json().size(), kLevels);
  }
  const auto asked = resident_bytes();

  std::cout << "a book of " << kLevels << " levels: " << (kept - before) / kBooks
            << " bytes, and once it has been asked for " << (asked - kept) / kBooks << " more\n";
  EXPECT_LE(kept - before, kBooks * kLevels * 120);
  EXPECT_LE(asked - kept, kBooks * kLevels * 50);
}

}  // namespace
}  // namespace bpx::bridge
