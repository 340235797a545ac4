#include "bridge/relay/book_sync.hpp"

#include <algorithm>
#include <utility>

namespace bpx::bridge {
namespace {

std::size_t changes_in(const proto::DepthUpdate& update) {
  return update.asks.size() + update.bids.size();
}

}  // namespace

BookSync::Aside::Aside(const proto::DepthUpdate& update)
    : first_update_id(update.first_update_id),
      last_update_id(update.last_update_id),
      ask_texts_(2 * update.asks.size()),
      bytes_(bytes_of(update)) {
  texts_.reserve(ask_texts_ + 2 * update.bids.size());
  for (const auto* side : {&update.asks, &update.bids})
    for (const auto& [price, quantity] : *side) {
      texts_.emplace_back(price);
      texts_.emplace_back(quantity);
    }
}

std::size_t BookSync::Aside::bytes_of(const proto::DepthUpdate& update) {
  auto bytes = sizeof(Aside);
  for (const auto* side : {&update.asks, &update.bids})
    for (const auto& [price, quantity] : *side)
      bytes += 2 * sizeof(std::string) + price.size() + quantity.size();
  return bytes;
}

bool BookSync::Aside::apply_to(OrderBook& book) const {
  proto::DepthUpdate update;
  for (std::size_t i = 0; i < texts_.size(); i += 2)
    (i < ask_texts_ ? update.asks : update.bids)
        .push_back({.price = texts_[i], .quantity = texts_[i + 1]});
  return book.apply(update);
}

void BookSync::on_update(const proto::DepthUpdate& update, bool has_gap) {
  if (state_ == State::syncing) return put_aside(update, has_gap);
  const bool is_old = update.last_update_id <= last_id_;
  if (is_old && !counts_anew(update)) {
    if (has_gap) suspend(BookLoss::ids_began_anew);
    return;
  }
  const bool is_of_new_count = is_old || overtakes(update, last_id_, has_gap);
  if (is_of_new_count || update.first_update_id > last_id_ + 1) {
    lose(is_of_new_count ? BookLoss::ids_began_anew : BookLoss::gap);
    return put_aside(update, has_gap);
  }
  if (changes_in(update) > kMaxChanges) return lose(BookLoss::too_many_changes);
  if (!book_.apply(update)) {
    lose(BookLoss::too_many_levels);
    return put_aside(update, has_gap);
  }
  last_id_ = update.last_update_id;
  old_.reset();
  held_.reset();
  state_ = is_subscribed_ ? State::in_sync : State::suspended;  // one may come late
}

void BookSync::on_malformed() {
  if (state_ == State::syncing)
    forget_aside();
  else
    lose(BookLoss::malformed);
}

void BookSync::on_unsubscribed(BookLoss why) {
  is_subscribed_ = false;
  held_.reset();
  waited_ = 0;
  if (state_ == State::syncing) forget_aside();
  suspend(why);
}

void BookSync::suspend(BookLoss why) {
  if (state_ != State::in_sync) return;
  state_ = State::suspended;
  loss_ = why;
}

void BookSync::on_snapshot(BookSnapshot snapshot) {
  if (state_ != State::syncing || !is_subscribed_) return;
  if (!held_ || snapshot.last_update_id < held_->last_update_id) held_ = std::move(snapshot);
  waited_ = 0;
  join();
}

/// It takes an update to join a snapshot with: until one comes the snapshot would only grow old.
bool BookSync::wants_snapshot() const {
  if (state_ != State::syncing || aside_.empty()) return false;
  return !held_ || waited_ >= kPatience;
}

void BookSync::lose(BookLoss why) {
  state_ = State::syncing;
  loss_ = why;
  ++resyncs_;
  book_.clear();
  forget_aside();
}

/// Of a subscription that is about to end the updates may be the last.
void BookSync::put_aside(const proto::DepthUpdate& update, bool has_gap) {
  if (!is_subscribed_) return;
  if (!aside_.empty()) {
    const auto last_id = aside_.back().last_update_id;
    const bool is_old = update.last_update_id <= last_id;
    if (is_old && !counts_anew(update)) {
      if (has_gap) forget_all();
      return;
    }
    if (overtakes(update, last_id, has_gap))
      forget_all();
    else if (is_old || update.first_update_id > last_id + 1)
      forget_aside();
  }
  if (changes_in(update) > kMaxChanges) return forget_aside();
  const auto bytes = Aside::bytes_of(update);
  if (bytes > kMaxBytesAside) return forget_aside();
  for (; bytes_aside_ + bytes > kMaxBytesAside; aside_.pop_front())
    bytes_aside_ -= aside_.front().bytes();
  aside_.emplace_back(update);
  bytes_aside_ += bytes;
  join();
}

void BookSync::forget_aside() {
  aside_.clear();
  bytes_aside_ = 0;
  old_.reset();
}

/// What there is for a book of the ids as they were.
void BookSync::forget_all() {
  held_.reset();
  forget_aside();
}

/// Puts the snapshot at hand before the updates put aside, where it fits.
void BookSync::join() {
  if (!held_ || aside_.empty()) return;
  const auto snapshot_id = held_->last_update_id;
  const auto newest_id = aside_.back().last_update_id;
  if (newest_id < snapshot_id) {  // the stream has yet to catch up
    ++waited_;
    return;
  }
  const auto after = std::ranges::find_if(
      aside_, [&](const Aside& update) { return update.last_update_id > snapshot_id; });
  if (after != aside_.end() && after->first_update_id > snapshot_id + 1)
    return held_.reset();  // it came too late
  if (!std::all_of(after, aside_.end(),
                   [&](const Aside& update) { return update.apply_to(held_->book); })) {
    held_.reset();
    return lose(BookLoss::too_many_levels);
  }
  take_over(newest_id);
}

void BookSync::take_over(std::uint64_t last_id) {
  book_ = std::move(held_->book);
  held_.reset();
  last_id_ = last_id;
  forget_aside();
  state_ = State::in_sync;
}

/// Asked of an update that tells nothing new by its ids. One alone is a repetition; where it
/// continues another such, the exchange has begun to count anew.
bool BookSync::counts_anew(const proto::DepthUpdate& update) {
  const bool continues = old_ && update.first_update_id == *old_ + 1;
  old_ = update.last_update_id;
  return continues;
}

/// Asked of an update that continues what told nothing new, or what was passed over, and by its ids
/// goes beyond `last_id` at once: another count has come to it from below.
bool BookSync::overtakes(const proto::DepthUpdate& update, std::uint64_t last_id,
                         bool has_gap) const {
  const bool spans = update.first_update_id <= last_id && update.last_update_id > last_id;
  return spans && (has_gap || (old_ && update.first_update_id == *old_ + 1));
}

}  // namespace bpx::bridge
