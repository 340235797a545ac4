#pragma once

#include "proto/depth_update.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// The resting quantities of one market, each as the text last received. Of a side that is cut
/// nothing is known beyond its horizon, a price; up to there the book is exact. Allocates while it
/// grows beyond what it has taken back lately, and where a text is longer than a string keeps
/// within itself. A change costs the same anywhere.
class OrderBook {
 public:
  /// So many a side at most, else an exchange that never takes a price back would take the memory.
  /// A busy market has a few thousand. So many take 11 MB a book with both sides.
  static constexpr std::size_t kMaxLevels = 50'000;

  OrderBook() = default;

  /// Takes over a whole book, in whatever order its levels come; of a price that comes twice, what
  /// comes last.
  explicit OrderBook(const proto::DepthSnapshot& snapshot);

  /// Takes a side that has so many levels or more for one that was cut there: its worst price is
  /// its horizon from now on.
  void cut_at(std::size_t levels);

  /// Quantities are absolute; zero removes the level. What is beyond a horizon is passed over.
  /// Returns false where a side would get more than kMaxLevels: then only part of the update has
  /// been applied, and the book is of no more use.
  bool apply(const proto::DepthUpdate& update);

  /// Whether a book that was taken over has more than kMaxLevels on a side.
  bool is_too_large() const;

  /// Whether a side that is cut has fewer levels left.
  bool runs_short(std::size_t levels) const;

  void clear();

  /// Levels of both sides.
  std::size_t size() const { return asks_.size() + bids_.size(); }

  /// Appends JSON in the shape and order of the exchange's REST depth, where both sides go by
  /// ascending price; then the horizons, where there are any.
  void append_json(std::string& out, std::uint64_t last_update_id, std::int64_t timestamp_us) const;

 private:
  struct ByValue {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  using Levels = std::map<std::string, std::string, ByValue>;  ///< quantities by price

  /// Levels that are kept for the next that come: more than the usual ups and downs of a market.
  static constexpr std::size_t kMaxSpare = 256;

  bool set_all(const std::vector<proto::PriceLevel>& asks,
               const std::vector<proto::PriceLevel>& bids, std::size_t max_levels);
  bool set(Levels& levels, const proto::PriceLevel& change, std::size_t max_levels);
  void insert(Levels& levels, Levels::iterator before, const proto::PriceLevel& level);
  void remove(Levels& levels, Levels::iterator level);

  bool is_known_ask(std::string_view price) const;
  bool is_known_bid(std::string_view price) const;
  void append_horizon(std::string& out) const;

  Levels asks_;
  Levels bids_;
  std::optional<std::string> ask_horizon_;
  std::optional<std::string> bid_horizon_;
  std::vector<Levels::node_type> spare_;
};

}  // namespace bpx::bridge
