#pragma once

#include "bridge/observe/vocabulary.hpp"
#include "bridge/relay/order_book.hpp"
#include "proto/depth_update.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace bpx::bridge {

/// A book as the exchange's REST side told it.
struct BookSnapshot {
  std::uint64_t last_update_id = 0;
  OrderBook book;
};

/// Keeps the book of one depth stream, from a snapshot and the stream's own updates, and knows
/// whether it is right: it is while each update continues the one before by its ids. Ids alone
/// decide; no I/O, no clock. In sync means: exactly the book after the last update that was told.
///
///     syncing    no book; updates are put aside until a snapshot fits before them
///     in_sync
///     suspended  updates may be missing, as the subscription ended or ids jumped back: until the
///                next one continues the book, or does not
///
/// A snapshot alone never brings it in sync: whether a subscription is in force shows by an update.
class BookSync {
 public:
  /// So much is put aside while a snapshot is awaited; then the oldest updates go, and where one
  /// alone is more, all of them. Applying all of it takes some tens of milliseconds, in which no
  /// message is relayed; what comes during one REST request is a hundredth of it.
  static constexpr std::size_t kMaxBytesAside = std::size_t{4} << 20U;
  /// An update of more changes loses the book. No side has so many levels to change; in a book of
  /// that size they take thirty milliseconds, in which no message is relayed.
  static constexpr std::size_t kMaxChanges = OrderBook::kMaxLevels;
  /// A snapshot may be newer than the stream, which then catches up with it. After so many updates
  /// that did not, another is asked for: ids may have begun anew.
  static constexpr std::size_t kPatience = 100;
  /// Levels of a side that REST has cut, then another snapshot is due: half of what it had.
  static constexpr std::size_t kFewestLevels = proto::kMostRestLevels / 2;

  /// `has_gap`: the message bears MessageHeader::gap_before. Of one that tells nothing new by its
  /// ids, that says that the exchange has most likely begun to count anew: nothing is in sync then
  /// until the next one shows whether it goes on from that one or from what was before.
  void on_update(const proto::DepthUpdate& update, bool has_gap);
  /// A message of the stream that could not be read.
  void on_malformed();
  /// What comes from now on is of a subscription that has been asked for.
  void on_subscribed() { is_subscribed_ = true; }
  void on_unsubscribed(BookLoss why);
  /// Its book is not too large.
  void on_snapshot(BookSnapshot snapshot);

  bool is_in_sync() const { return state_ == State::in_sync; }
  /// Whether a snapshot, taken from now on, would help.
  bool wants_snapshot() const;

  /// Whether the price has come near the end of what is known of a book in sync.
  bool runs_short() const { return is_in_sync() && book_.runs_short(kFewestLevels); }
  /// Whether there is no book, not even one that may turn out to be right.
  bool is_lost() const { return state_ == State::syncing; }

  /// This one takes the place of `other`: what was told of that goes on.
  void succeed(const BookSync& other) {
    loss_ = other.loss_;
    resyncs_ = other.resyncs_;
  }

  /// Why the book was lost last.
  BookLoss loss() const { return loss_; }
  /// How often it had to be built anew.
  std::uint64_t resyncs() const { return resyncs_; }

  /// Of a book in sync: the book, and the last update in it.
  const OrderBook& book() const { return book_; }
  std::uint64_t last_update_id() const { return last_id_; }

 private:
  enum class State : std::uint8_t { syncing, in_sync, suspended };

  /// An update that owns its texts.
  class Aside {
   public:
    explicit Aside(const proto::DepthUpdate& update);
    /// What one takes of such an update.
    static std::size_t bytes_of(const proto::DepthUpdate& update);

    std::uint64_t first_update_id = 0;
    std::uint64_t last_update_id = 0;
    std::size_t bytes() const { return bytes_; }
    bool apply_to(OrderBook& book) const;

   private:
    std::vector<std::string> texts_;  ///< price and quantity by turns, asks first
    std::size_t ask_texts_;
    std::size_t bytes_;
  };

  void lose(BookLoss why);
  void put_aside(const proto::DepthUpdate& update, bool has_gap);
  void forget_aside();
  void forget_all();
  void join();
  void take_over(std::uint64_t last_id);
  bool counts_anew(const proto::DepthUpdate& update);
  bool overtakes(const proto::DepthUpdate& update, std::uint64_t last_id, bool has_gap) const;
  void suspend(BookLoss why);

  State state_ = State::syncing;
  bool is_subscribed_ = false;
  BookLoss loss_ = BookLoss::disconnected;
  std::uint64_t resyncs_ = 0;
  OrderBook book_;
  std::uint64_t last_id_ = 0;         ///< in the book
  std::optional<std::uint64_t> old_;  ///< last id of the last update that told nothing new
  std::optional<BookSnapshot> held_;  ///< newer than what the stream has told
  std::size_t waited_ = 0;            ///< updates that the held snapshot has outlived
  std::deque<Aside> aside_;           ///< each continues the one before
  std::size_t bytes_aside_ = 0;
};

}  // namespace bpx::bridge
