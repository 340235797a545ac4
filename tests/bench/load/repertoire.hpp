#pragma once

#include "tests/bench/load/frame.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

namespace bpx::bench {

/// What the source can say: a frame for each stream that was subscribed to, and for the first depth
/// stream two large ones. Of ten messages of as many streams of each kind six are depth, two
/// bookTicker, one trade, one markPrice. One thread.
class Repertoire {
 public:
  /// How often a message is large, and how many levels it then has: 4 and 100 kB.
  static constexpr std::uint64_t kEachMedium = 1'000;
  static constexpr std::uint64_t kEachLarge = 20'000;
  static constexpr std::size_t kMediumLevels = 220;
  static constexpr std::size_t kLargeLevels = 5'400;

  /// Harmless where the stream is known.
  void add(const std::string& stream);
  std::size_t size() const { return streams_.size(); }

  /// The next frame of whatever stream is next; valid until the next call. There must be a stream.
  const Frame& next(const Stamp& stamp);
  /// The next frame of `stream`, which must be known.
  const Frame& next_of(const std::string& stream, const Stamp& stamp);

 private:
  struct Stream {
    Frame frame;
    std::uint64_t said = 0;
  };
  struct Large {
    Stream* stream;
    Frame medium;
    Frame large;
  };

  static const Frame& say(Stream& stream, Frame& frame, const Stamp& stamp);

  std::deque<Stream> streams_;  // a deque: its elements never move
  std::unordered_map<std::string, Stream*> by_name_;
  /// Each as often as its kind is said, shuffled: no cache is helped by neighbourhood.
  std::vector<Stream*> order_;
  std::size_t turn_ = 0;
  std::uint64_t said_ = 0;
  std::optional<Large> large_;
  std::mt19937 random_{1};
};

}  // namespace bpx::bench
