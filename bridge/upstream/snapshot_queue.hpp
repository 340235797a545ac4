#pragma once

#include "bridge/upstream/backoff.hpp"
#include "bridge/upstream/pace.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

namespace bpx::bridge {

/// Which book's snapshot is to be fetched next, and when: at a pace, however many books a reconnect
/// has lost at once. A book that fails again and again waits longer each time; where the whole site
/// is in trouble everybody waits, and then one at a time tries whether it is over. A state machine
/// without I/O or clock. One thread.
class SnapshotQueue {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;
  using Milliseconds = std::chrono::milliseconds;

  /// So many requests a second: the exchange limits what an address may ask, and does not say to
  /// how much.
  static constexpr std::size_t kPerSecond = 10;

  /// A snapshot that is being fetched.
  struct Errand {
    std::size_t book = 0;
    std::uint64_t generation = 0;  ///< as the book's when it was begun
    std::uint64_t site_generation = 0;
  };

  enum class Trouble : std::uint8_t {
    of_book,  ///< the site answers, but with no book
    of_site,  ///< it cannot be reached, or refuses to answer
    unclear,  ///< of the book, until so many in a row have it that it is the site's
  };

  /// So many books in a row make an unclear trouble the site's.
  static constexpr std::size_t kMakeASite = 4;

  struct Failure {
    std::uint64_t attempt = 0;  ///< in a row, of that book or of the site
    Milliseconds retry{0};      ///< how long there will be no other
  };

  /// Books go by their numbers, below `books`.
  SnapshotQueue(const Backoff::Options& backoff, std::size_t books, std::uint64_t seed);

  void want(std::size_t book, TimePoint now);
  void forget(std::size_t book);

  /// What to fetch now, if anything. It ends with one of the two below.
  std::optional<Errand> take(TimePoint now);

  /// When take() may have something to say without further news; TimePoint::max(): never.
  TimePoint next() const;

  /// False where the snapshot is of no use: what was asked for before the book was lost again says
  /// nothing of what came since.
  bool delivered(const Errand& errand, TimePoint now);

  /// `at_least`: the site is to be left alone for so long, or the book where only that is in
  /// trouble. nullopt where it matters to nobody: the book is not awaited any more, and the site is
  /// well and does not ask to be left alone.
  std::optional<Failure> failed(const Errand& errand, Trouble trouble, Milliseconds at_least,
                                TimePoint now);

 private:
  struct Job {
    Backoff backoff;  ///< reset by a book that holds for a while, and by nothing else
    bool is_wanted = false;
    bool is_under_way = false;
    std::uint64_t generation = 0;  ///< changes whenever it is wanted anew, or no more
    TimePoint due{};
    TimePoint delivered{};       ///< last
    std::uint64_t failures = 0;  ///< since then
  };

  const Job* first() const;
  bool end(const Errand& errand);
  void note_answer(const Errand& errand);

  std::vector<Job> jobs_;
  std::size_t under_way_ = 0;
  Pace pace_{kPerSecond};
  struct Site {
    Backoff backoff;
    std::uint64_t failures = 0;       ///< in a row
    std::uint64_t generation = 0;     ///< changes with each failure
    std::set<std::size_t> unclear{};  ///< wanted books that failed so since the last answer
    TimePoint due = TimePoint::min();
  } site_;
};

}  // namespace bpx::bridge
