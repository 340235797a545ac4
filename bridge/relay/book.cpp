#include "bridge/relay/book.hpp"

#include <algorithm>
#include <utility>

namespace bpx::bridge {

Book::Book(std::string_view stream, std::size_t number, proto::DepthReader& reader,
           SnapshotSource& snapshots, StreamMeasurements& measurements, BookNews& news, Log& log)
    : stream_(stream),
      number_(number),
      reader_(reader),
      snapshots_(snapshots),
      measurements_(&measurements),
      news_(news),
      log_(log) {
  measurements_->book.set(BookState::syncing);
}

void Book::measure_by(StreamMeasurements& measurements) {
  measurements_ = &measurements;
  measurements.book.set(sync_.is_in_sync() ? BookState::in_sync : BookState::syncing);
  const auto told = measurements.book_resyncs.value();
  measurements.book_resyncs.add(std::max(sync_.resyncs(), told) - told);
}

void Book::on_published(const proto::MessageHeader& header, std::string_view message) {
  const bool was_in_sync = sync_.is_in_sync();
  header_ = header;
  json_.clear();
  const bool has_gap = (header.flags & proto::MessageHeader::gap_before) != 0;
  const auto* const update = reader_.read_update(message);
  const auto take = [&](BookSync& sync) {
    if (update != nullptr)
      sync.on_update(*update, has_gap);
    else
      sync.on_malformed();
  };
  take(sync_);
  if (!renewal_ && sync_.runs_short()) begin_renewal();
  if (renewal_) take(*renewal_);
  if (was_in_sync && sync_.is_in_sync() && !renewal_) return;
  settle(was_in_sync);
}

void Book::on_subscribed() {
  sync_.on_subscribed();
  if (renewal_) renewal_->on_subscribed();
}

void Book::on_unsubscribed(BookLoss why) {
  const bool was_in_sync = sync_.is_in_sync();
  sync_.on_unsubscribed(why);
  if (renewal_) renewal_->on_unsubscribed(why);
  settle(was_in_sync);
}

void Book::on_snapshot(BookSnapshot snapshot) {
  const bool was_in_sync = sync_.is_in_sync();
  const auto snapshot_id = snapshot.last_update_id;
  has_asked_ = false;
  json_.clear();
  (renewal_ ? *renewal_ : sync_).on_snapshot(std::move(snapshot));
  settle(was_in_sync);
  log_.debug("book snapshot", {{"stream", stream_},
                               {"update_id", snapshot_id},
                               {"in_sync", sync_.is_in_sync()},
                               {"another_wanted", has_asked_}});
}

std::string_view Book::json() {
  if (!json_.empty()) return json_;
  const auto time_ns = header_.event_ns != 0 ? header_.event_ns : header_.received_ns;
  sync_.book().append_json(json_, sync_.last_update_id(), time_ns / 1000);
  return json_;
}

/// Sees to what follows from the news.
void Book::settle(bool was_in_sync) {
  if (renewal_) end_renewal();
  follow(was_in_sync);
  seek_snapshot();
}

void Book::begin_renewal() {
  renewal_.emplace().on_subscribed();
  log_.debug("book runs short", {{"stream", stream_}, {"update_id", sync_.last_update_id()}});
}

/// Where it is of another update than the book, REST and a repetition have agreed on the past: then
/// it is begun anew.
void Book::end_renewal() {
  if (!sync_.is_lost() && !renewal_->is_in_sync()) return;
  if (sync_.is_lost() || renewal_->last_update_id() == sync_.last_update_id()) {
    renewal_->succeed(sync_);
    sync_ = std::move(*renewal_);
    log_.debug("book renewed", {{"stream", stream_}, {"in_sync", sync_.is_in_sync()}});
  }
  renewal_.reset();
}

/// Tells of what has changed.
void Book::follow(bool was_in_sync) {
  if (sync_.resyncs() > measurements_->book_resyncs.value()) measurements_->book_resyncs.add();
  const bool is_in_sync = sync_.is_in_sync();
  if (is_in_sync == was_in_sync) return;
  measurements_->book.set(is_in_sync ? BookState::in_sync : BookState::syncing);
  if (is_in_sync)
    news_.in_sync(stream_, sync_.last_update_id(), sync_.book().size());
  else
    news_.lost(stream_, sync_.loss());
}

void Book::seek_snapshot() {
  const bool wants = (renewal_ ? *renewal_ : sync_).wants_snapshot();
  if (std::exchange(has_asked_, wants) == wants) return;
  if (wants)
    snapshots_.want(number_);
  else
    snapshots_.forget(number_);
}

}  // namespace bpx::bridge
