#include "bridge/relay/books.hpp"
#include "bridge/relay/history.hpp"
#include "bridge/relay/relay.hpp"
#include "tests/support/market_messages.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

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
/// every bound again and again.
TEST(Memory, OfHistoryAndBooksStaysWithinItsBoundsHoweverMuchComes) {
  const auto messages = setting("BPX_MESSAGES", 2'000'000);
  constexpr std::size_t kHistoryBytes = 64 * kMiB;
  // Two sides of 50,000 levels of 64 bytes each, in vectors that double as they grow.
  constexpr std::size_t kBookBytes = 2 * 2 * OrderBook::kMaxLevels * 64;
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

  std::size_t highest_first = 0;
  std::size_t highest_second = 0;
  const auto began = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < messages; ++i) {
    auto& market = i % 2 == 0 ? quiet : wild;
    ASSERT_EQ(relay.accept(market.next(), {.unix_ns = 1, .steady_ns = 1}).outcome,
              Relayed::Outcome::published);
    for (const auto book : std::exchange(snapshots.wanted, {})) {
      const auto& of = book < 4 ? quiet : wild;
      books.on_snapshot(book, {.last_update_id = of.last_update_id(book % 4), .book = {}});
    }
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
  EXPECT_TRUE(has_told) << "the wild books did not reach their bound";
  EXPECT_LE(history.bytes(), kHistoryBytes);
  EXPECT_GT(history.bytes(), kHistoryBytes - kMiB) << "the history did not reach its bound";
  EXPECT_LE(grown, bound + kOverhead);
  // In one half the wild books may be at their largest together, in the other one after the other.
  EXPECT_LE(highest_second, highest_first + kBookBytes) << "it grows on";
  for (const auto& stream : depths)
    EXPECT_EQ(measurements.of(stream).book_resyncs.value() > 0, stream.starts_with("depth.W"))
        << stream;
}

}  // namespace
}  // namespace bpx::bridge
