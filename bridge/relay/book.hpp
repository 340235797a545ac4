#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/relay/book_news.hpp"
#include "bridge/relay/book_sync.hpp"
#include "bridge/relay/snapshot_source.hpp"
#include "proto/depth_update.hpp"
#include "proto/message_header.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// The order book of one depth stream, kept up to date with what is published of the stream. Sees
/// to snapshots, and tells log and metrics how it fares. Where the price comes near the end of what
/// a snapshot told, another book is built beside it and takes its place unnoticed. One thread.
class Book {
 public:
  /// `number`: in publish.books. `reader` and `news` may be shared among books.
  Book(std::string_view stream, std::size_t number, proto::DepthReader& reader,
       SnapshotSource& snapshots, StreamMeasurements& measurements, BookNews& news, Log& log);

  /// `message` must be followed by DepthReader::kPadding readable bytes.
  void on_published(const proto::MessageHeader& header, std::string_view message);
  /// The exchange has been asked for the stream, or sends it.
  void on_subscribed();
  /// It need not send it any more.
  void on_unsubscribed(BookLoss why);
  void on_snapshot(BookSnapshot snapshot);

  /// From now on it is measured by `measurements`, which are told how it fares.
  void measure_by(StreamMeasurements& measurements);

  bool is_in_sync() const { return sync_.is_in_sync(); }

  /// Of the last message published; of a book in sync the last that is in it.
  const proto::MessageHeader& header() const { return header_; }

  /// Of a book in sync: in the shape of the exchange's REST depth. Valid until the next call of any
  /// function.
  std::string_view json();

 private:
  void settle(bool was_in_sync);
  void begin_renewal();
  void end_renewal();
  void follow(bool was_in_sync);
  void seek_snapshot();

  std::string stream_;
  std::size_t number_;
  proto::DepthReader& reader_;
  SnapshotSource& snapshots_;
  StreamMeasurements* measurements_;
  BookNews& news_;
  Log& log_;
  BookSync sync_;
  std::optional<BookSync> renewal_;  ///< is to take the place of a book that has run short
  proto::MessageHeader header_;
  bool has_asked_ = false;  ///< for a snapshot that has not come
  std::string json_;        ///< empty where it is to be written anew
};

}  // namespace bpx::bridge
