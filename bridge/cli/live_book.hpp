#pragma once

#include "bridge/cli/tail_line.hpp"
#include "bridge/relay/order_book.hpp"
#include "proto/depth_update.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge::cli {

/// An order book as a consumer holds it: the bridge's answer to a request for it, and the live
/// messages that follow. One thread.
class LiveBook {
 public:
  /// Of a side that is cut: fewer than the bridge's own book has, where REST answers.
  static constexpr std::size_t kFewestLevels = 250;

  /// The answer to a request: one that is no book leaves none; an empty payload leaves the one that
  /// there is.
  void on_answer(const TailMessage& message);

  /// A message of the stream. One that does not continue the book makes it wrong.
  void on_live(const TailMessage& message);

  /// What follows is not known any more.
  void forget() { position_.reset(); }

  /// Whether the price has come so near the end of what the answer told that it is time for
  /// another.
  bool runs_short() const { return is_right() && book_.runs_short(kFewestLevels); }

  /// Whether it holds a right book.
  bool is_right() const { return position_.has_value(); }

  /// Of the last update in it; 0 where it is not right.
  std::uint64_t update_id() const { return position_ ? position_->update_id : 0; }

  /// In the shape of the bridge's answer; empty where it is not right.
  std::string json() const;

 private:
  struct Position {
    std::uint64_t epoch_us;
    std::uint64_t sequence;
    std::uint64_t update_id;
    std::int64_t event_ns;
  };

  std::string_view padded(std::string_view text);

  std::optional<Position> position_;  ///< of the last message in it
  OrderBook book_;
  proto::DepthReader reader_;
  std::string text_;  ///< with what the reader needs behind it
};

}  // namespace bpx::bridge::cli
