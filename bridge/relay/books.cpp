#include "bridge/relay/books.hpp"

#include "bridge/clock.hpp"
#include "bridge/startup_error.hpp"

#include <utility>

namespace bpx::bridge {

Books::Books(const std::vector<std::string>& names, StreamTable& streams, SnapshotSource& snapshots,
             Log& log)
    : news_(log) {
  for (const auto& name : names) {
    auto* const stream = streams.find_or_add(name);
    if (stream == nullptr)
      throw StartupError("publish.books: " + name + ": " +
                         std::string(streams.fault_of(name).value_or("cannot be carried")));
    auto& book = books_.emplace_back(name, books_.size(), reader_, snapshots, *stream->measurements,
                                     news_, log);
    stream->book = &book;
  }
}

void Books::on_snapshot(std::size_t book, BookSnapshot snapshot) {
  books_.at(book).on_snapshot(std::move(snapshot));
}

BookAnswers::BookAnswers(StreamTable& streams, Replay& replay, Publisher& publisher,
                         Measurements& measurements)
    : streams_(streams), replay_(replay), publisher_(publisher), measurements_(measurements) {}

std::size_t BookAnswers::serve(Audience audience, std::string_view topic,
                               std::string_view stream_name, Backlog& backlog) {
  const auto* const stream = streams_.find(stream_name);
  const bool is_here = stream != nullptr && stream->audience == audience;
  if (!is_here || stream->book == nullptr || !stream->book->is_in_sync()) {
    measurements_.replays[ReplayResult::unknown].add();
    replay_.publish_end(audience, topic, is_here ? stream->sequence : 0, backlog);
    return 0;
  }
  measurements_.replays[ReplayResult::served].add();
  auto header = stream->book->header();
  header.flags = proto::MessageHeader::replay;
  header.sent_ns = unix_ns();
  const auto json = stream->book->json();
  publisher_.publish_answer(audience, topic, json, header, backlog);
  return json.size();
}

}  // namespace bpx::bridge
