#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace bpx::proto {

/// A price, and the quantity that rests there; both decimals as of is_decimal(). A quantity of zero
/// means that nothing does. Views of what was read.
struct PriceLevel {
  std::string_view price;
  std::string_view quantity;
};

/// What a message of a depth stream says: the quantities at the prices that changed by the updates
/// with ids from `first_update_id` to `last_update_id`, both included.
struct DepthUpdate {
  std::uint64_t first_update_id = 0;  ///< `U`
  std::uint64_t last_update_id = 0;   ///< `u`
  std::vector<PriceLevel> asks;       ///< `a`
  std::vector<PriceLevel> bids;       ///< `b`
};

/// The book after the update `last_update_id`, as the exchange's REST depth answers; or the bridge,
/// who also tells the horizon of a side: nothing is known of asks above it, and of bids below.
struct DepthSnapshot {
  std::uint64_t last_update_id = 0;
  std::vector<PriceLevel> asks;
  std::vector<PriceLevel> bids;
  std::optional<std::string_view> ask_horizon = {};
  std::optional<std::string_view> bid_horizon = {};
};

/// So many levels of each side REST tells at most, the best ones (documented since 2025-11-10).
inline constexpr std::size_t kMostRestLevels = 1'000;

/// Reads depth without depending on the order of keys, white space or the set of fields. Whatever
/// could make a wrong book is refused as a whole: levels that are no pairs of decimals, or of
/// longer ones than any market has, ids that are missing or upside down. One side may be absent or
/// null: then nothing changed there. Allocates only while messages still grow. One thread at a
/// time.
class DepthReader {
 public:
  /// How many bytes behind a text must be readable (their value does not matter).
  static constexpr std::size_t kPadding = 64;

  DepthReader();
  ~DepthReader();
  DepthReader(DepthReader&&) noexcept;
  DepthReader& operator=(DepthReader&&) noexcept;
  DepthReader(const DepthReader&) = delete;
  DepthReader& operator=(const DepthReader&) = delete;

  /// A message of a depth stream, with its envelope. nullptr where it is malformed; else valid
  /// until this reads again.
  const DepthUpdate* read_update(std::string_view message);

  /// The body of a REST depth, or of the bridge's answer, likewise.
  const DepthSnapshot* read_snapshot(std::string_view body);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
  DepthUpdate update_;
  DepthSnapshot snapshot_;
};

}  // namespace bpx::proto
