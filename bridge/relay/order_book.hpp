#pragma once

#include "proto/depth_update.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// The resting quantities of one market, each as the text last received. Allocates while it grows,
/// and where a text is longer than a string keeps within itself.
class OrderBook {
 public:
  /// So many a side at most, else an exchange that never takes a price back would take the memory.
  /// A busy market has a few thousand. So many take 6 MB a book with both sides, and a new worst
  /// price, which moves all the others, half a millisecond of the relaying thread.
  static constexpr std::size_t kMaxLevels = 50'000;

  OrderBook() = default;

  /// Takes over a whole book, in whatever order its levels come; of a price that comes twice, what
  /// comes last.
  explicit OrderBook(const proto::DepthSnapshot& snapshot);

  /// Quantities are absolute; zero removes the level. Returns false where a side would get more
  /// than kMaxLevels: then only part of the update has been applied, and the book is of no more
  /// use.
  bool apply(const proto::DepthUpdate& update);

  /// Whether a book that was taken over has more than kMaxLevels on a side.
  bool is_too_large() const;

  void clear();

  /// Levels of both sides.
  std::size_t size() const { return asks_.size() + bids_.size(); }

  /// Appends JSON in the shape and order of the exchange's REST depth, where both sides go by
  /// ascending price.
  void append_json(std::string& out, std::uint64_t last_update_id, std::int64_t timestamp_us) const;

 private:
  struct Level {
    std::string price;
    std::string quantity;
  };
  /// Best price last: what changes most is cheapest to change.
  using Levels = std::vector<Level>;

  Levels asks_;  ///< by descending price
  Levels bids_;  ///< by ascending price
};

}  // namespace bpx::bridge
