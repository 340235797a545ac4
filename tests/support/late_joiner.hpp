#pragma once

#include "tests/support/reference_book.hpp"
#include "tests/support/subscriber.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bpx::test {

/// A consumer that holds a book as README says, and by nothing else: subscribes to a depth stream,
/// then asks for its book; puts live messages aside until that has come, then applies those with a
/// greater sequence. Where no answer or no book comes within a second it asks again, and where the
/// book runs short; at once on flag 2, a hole in the sequence or another epoch.
class LateJoiner {
 public:
  LateJoiner(const std::string& endpoint, std::string stream)
      : stream_(std::move(stream)), subscriber_(endpoint, {stream_}) {
    ask();
  }

  /// Waits for a message, and takes in what is there. Returns whether anything was.
  bool step(std::chrono::milliseconds patience) {
    const bool wants = !book_ || book_->runs_short(kFewestLevels);
    if (wants && Clock::now() - asked_ > std::chrono::seconds(1)) ask();
    auto message = subscriber_.receive(patience);
    const bool has_come = message.has_value();
    for (int taken = 0; message && taken < kAtOnce; ++taken) {
      take(*message);
      message = subscriber_.receive(std::chrono::milliseconds(0));
    }
    if (message) take(*message);
    return has_come;
  }

  /// Gives up everything but the connection.
  void rest() {
    subscriber_.unsubscribe(stream_);
    subscriber_.unsubscribe(request_);
  }

  const std::optional<ReferenceBook>& book() const { return book_; }
  /// Live messages applied since the book came.
  std::uint64_t applied() const { return applied_; }
  /// Messages with flag 2: the exchange made a gap.
  std::uint64_t gaps() const { return gaps_; }
  /// Messages that were to continue the book, and by their ids did not: a fault of the bridge.
  std::uint64_t breaks() const { return breaks_; }
  /// Times that sequences had a hole.
  std::uint64_t holes() const { return holes_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// So that several can take turns on one thread, whatever the rate.
  static constexpr int kAtOnce = 1'000;
  static constexpr std::size_t kFewestLevels = 250;

  void ask() {
    static std::atomic<std::uint64_t> id = 0;
    if (!request_.empty()) subscriber_.unsubscribe(request_);
    request_ = "bridge.book/" + stream_ + '/' + std::to_string(++id);
    subscriber_.subscribe(request_);
    asked_ = Clock::now();
    book_.reset();
  }

  void take(const Message& message) {
    if (message.topic == stream_) return take_live(message);
    if (message.topic != request_ || message.payload.empty() || book_) return;
    book_.emplace(message.payload);
    sequence_ = message.header.sequence;
    applied_ = 0;
    for (const auto& live : std::exchange(aside_, {})) apply(live);
  }

  void take_live(const Message& message) {
    const auto sequence = message.header.sequence;
    const auto epoch = message.header.epoch_us;
    const bool is_restarted = epoch_ != 0 && epoch != epoch_;
    const bool has_hole = !is_restarted && newest_ != 0 && sequence != newest_ + 1;
    const bool has_gap = (message.header.flags & proto::MessageHeader::gap_before) != 0;
    epoch_ = epoch;
    newest_ = sequence;
    if (has_hole) ++holes_;
    if (has_gap) ++gaps_;
    if (is_restarted || has_hole || has_gap) {
      aside_.clear();
      ask();
    } else if (book_) {
      apply(message);
    } else {
      aside_.push_back(message);
    }
  }

  void apply(const Message& message) {
    if (message.header.sequence <= sequence_) return;
    sequence_ = message.header.sequence;
    ++applied_;
    if (!book_->apply(message.payload)) ++breaks_;
  }

  std::string stream_;
  Subscriber subscriber_;
  std::string request_;
  Clock::time_point asked_;
  std::optional<ReferenceBook> book_;
  std::vector<Message> aside_;  ///< live ones, until the book has come
  std::uint64_t sequence_ = 0;  ///< in the book
  std::uint64_t newest_ = 0;    ///< live sequence
  std::uint64_t epoch_ = 0;     ///< of it, in µs
  std::uint64_t applied_ = 0;
  std::uint64_t gaps_ = 0;
  std::uint64_t breaks_ = 0;
  std::uint64_t holes_ = 0;
};

}  // namespace bpx::test
