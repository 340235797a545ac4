#pragma once

#include "bridge/relay/book.hpp"
#include "bridge/relay/book_news.hpp"
#include "bridge/relay/replay.hpp"
#include "bridge/relay/stream_table.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// The order books that are kept for consumers who join late. One thread, the publisher's. Must
/// outlive every message: `streams` refers to the books from here on.
class Books {
 public:
  /// `names`: publish.books.
  Books(const std::vector<std::string>& names, StreamTable& streams, SnapshotSource& snapshots,
        Log& log);

  /// Of the book with this number in publish.books.
  void on_snapshot(std::size_t book, BookSnapshot snapshot);

 private:
  proto::DepthReader reader_;
  BookNews news_;
  std::deque<Book> books_;  // a deque: its elements never move
};

/// Answers requests for a book. One thread.
class BookAnswers {
 public:
  BookAnswers(StreamTable& streams, Replay& replay, Publisher& publisher,
              Measurements& measurements);

  /// Answers a request of kind book that came to the endpoint of `audience` by a subscription to
  /// `topic`: the book as it is after the last message published, or, where none is in sync, an end
  /// of replay alone. What waits to be taken counts in `backlog`. Returns the payload's bytes.
  std::size_t serve(Audience audience, std::string_view topic, std::string_view stream,
                    Backlog& backlog);

 private:
  StreamTable& streams_;
  Replay& replay_;
  Publisher& publisher_;
  Measurements& measurements_;
};

}  // namespace bpx::bridge
