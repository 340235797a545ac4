// The book of a depth stream, whatever becomes of the stream: every letter is an event, digits tell
// of which price, quantity or age.
//
//   a42 ask at price 4 becomes quantity 2   b42 a bid      G an update of all changes since the
//   last U the next update comes                 L it is lost   R the last that came comes again s3
//   a snapshot of 3 changes ago comes    M a message that cannot be read O the stream is asked for
//   C its subscription ends
//
// A line that begins with { is a text by itself, read as a message of a stream and as a snapshot.
#include "bridge/relay/book_sync.hpp"
#include "tests/fuzz/order_book_oracle.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using bpx::bridge::BookLoss;
using bpx::bridge::BookSync;
using bpx::bridge::OrderBook;
using bpx::fuzz::PlainBook;
using bpx::fuzz::require;
using bpx::proto::DepthReader;

/// Some are the same, written in another way.
constexpr std::array<std::string_view, 10> kPrices = {"0.5", "1",  "1.0", "01.00",   "9",
                                                      "9.5", "10", "99",  "100.001", "100.0010"};
constexpr std::array<std::string_view, 10> kQuantities = {"0",    "1",    "2", "3.50", "0.00",
                                                          "0.01", "12.5", "7", "000",  "1000000"};

std::string json(const OrderBook& book, std::uint64_t last_update_id) {
  std::string text;
  book.append_json(text, last_update_id, 0);
  return text;
}

/// A text that the reader may look behind.
class Padded {
 public:
  explicit Padded(std::string_view text) : size_(text.size()), bytes_(text) {
    bytes_.append(DepthReader::kPadding, '\0');
  }
  std::string_view view() const { return std::string_view(bytes_).substr(0, size_); }

 private:
  std::size_t size_;
  std::string bytes_;
};

void require_readable(const OrderBook& book, std::uint64_t last_update_id) {
  const auto text = json(book, last_update_id);
  const Padded padded(text);
  DepthReader reader;
  const auto* const snapshot = reader.read_snapshot(padded.view());
  require(snapshot != nullptr && snapshot->last_update_id == last_update_id, "a book is a depth");
  require(json(OrderBook(*snapshot), last_update_id) == text, "a book that is read is the same");
}

/// What the exchange has said, and what has come of it.
class Play {
 public:
  void run(std::string_view events) {
    for (std::size_t i = 0; i < events.size(); ++i)
      happen(events[i], digit(events, i + 1), digit(events, i + 2));
  }

  /// Ids are whatever they are: the book may be anything that keeps to its bounds.
  void read(std::string_view text) {
    const Padded padded(text);
    if (const auto* const update = reader_.read_update(padded.view())) {
      require(update->first_update_id <= update->last_update_id, "ids go up");
      loose_.set(update->asks, update->bids);
      require(loose_book_.apply(*update), "there is room for so few");
      wild_.on_update(*update, update->first_update_id % 2 == 0);
    }
    if (const auto* const snapshot = reader_.read_snapshot(padded.view())) {
      const auto id = snapshot->last_update_id;
      loose_ = PlainBook();
      loose_.set(snapshot->asks, snapshot->bids);
      loose_book_ = OrderBook(*snapshot);
      require(!loose_book_.is_too_large(), "there is room for so few");
      wild_.on_snapshot({.last_update_id = id, .book = OrderBook(*snapshot)});
    }
    require(json(loose_book_, 1) == loose_.json(1), "a book is what has been set");
    require(loose_book_.size() == loose_.size(), "no level is counted that is not there");
    require_readable(loose_book_, 1);
    require(!wild_.is_in_sync() || !wild_.wants_snapshot(), "who is in sync wants no snapshot");
  }

 private:
  static std::size_t digit(std::string_view events, std::size_t at) {
    const auto c = at < events.size() ? events[at] : '0';
    return c >= '0' && c <= '9' ? static_cast<std::size_t>(c - '0') : 0;
  }

  void happen(char event, std::size_t number, std::size_t further) {
    switch (event) {
      case 'a': change(asks_, kPrices.at(number), kQuantities.at(further)); break;
      case 'b': change(bids_, kPrices.at(number), kQuantities.at(further)); break;
      case 'G': say(); break;
      case 'U': arrive(); break;
      case 'L':
        if (!coming_.empty()) coming_.pop_front();
        break;
      case 'R': tell(last_); break;
      case 's': answer(number); break;
      case 'M': sync_.on_malformed(); break;
      case 'O': sync_.on_subscribed(); break;
      case 'C': sync_.on_unsubscribed(BookLoss::disconnected); break;
      default: return;
    }
    require_right();
  }

  void change(PlainBook::Levels& side, std::string_view price, std::string_view quantity) {
    side.push_back({.price = price, .quantity = quantity});
    auto book = past_.back();
    if (&side == &asks_)
      book.set({side.back()}, {});
    else
      book.set({}, {side.back()});
    past_.push_back(std::move(book));
  }

  /// Each change has an id of its own.
  void say() {
    const auto count = asks_.size() + bids_.size();
    if (count == 0) return;
    const auto last = past_.size() - 1;
    coming_.push_back(R"({"data":{"U":)" + std::to_string(last - count + 1) + R"(,"a":)" +
                      text(asks_) + R"(,"b":)" + text(bids_) + R"(,"u":)" + std::to_string(last) +
                      R"(},"stream":"depth.A"})");
    asks_.clear();
    bids_.clear();
  }

  static std::string text(const PlainBook::Levels& levels) {
    std::string text;
    for (const auto& [price, quantity] : levels)
      text.append(text.empty() ? R"([")" : R"(,[")")
          .append(price)
          .append(R"(",")")
          .append(quantity)
          .append(R"("])");
    return '[' + text + ']';
  }

  void arrive() {
    if (coming_.empty()) return;
    last_ = std::move(coming_.front());
    coming_.pop_front();
    tell(last_);
  }

  void tell(const std::string& message) {
    if (message.empty()) return;
    const Padded padded(message);
    const auto* const update = reader_.read_update(padded.view());
    require(update != nullptr, "what the exchange says can be read");
    sync_.on_update(*update, false);
  }

  void answer(std::size_t age) {
    const auto id = past_.size() - 1 - std::min(age, past_.size() - 1);
    const Padded padded(past_[id].json(id));
    const auto* const snapshot = reader_.read_snapshot(padded.view());
    require(snapshot != nullptr, "what the exchange answers can be read");
    sync_.on_snapshot({.last_update_id = id, .book = OrderBook(*snapshot)});
  }

  void require_right() const {
    require(!sync_.is_in_sync() || !sync_.wants_snapshot(), "who is in sync wants no snapshot");
    if (!sync_.is_in_sync()) return;
    const auto id = sync_.last_update_id();
    require(id < past_.size(), "a book is of an update that was");
    require(json(sync_.book(), id) == past_[id].json(id), "a book in sync is right");
    require(sync_.book().size() == past_[id].size(), "no level is counted that is not there");
    require_readable(sync_.book(), id);
  }

  static BookSync subscribed() {
    BookSync sync;
    sync.on_subscribed();
    return sync;
  }

  std::vector<PlainBook> past_{PlainBook()};  ///< by id; the last is the exchange's book
  PlainBook::Levels asks_;                    ///< changed since the last update
  PlainBook::Levels bids_;
  std::deque<std::string> coming_;
  std::string last_;  ///< that came
  DepthReader reader_;
  BookSync sync_ = subscribed();

  PlainBook loose_;  ///< of texts by themselves
  OrderBook loose_book_;
  BookSync wild_ = subscribed();
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t kMaxEvents = 400;  // so that a run stays short
  constexpr std::size_t kMaxLines = 50;
  auto text = bpx::fuzz::text_of(bytes, size);
  Play play;
  for (std::size_t i = 0; i < kMaxLines && !text.empty(); ++i) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with('{'))
      play.read(line);
    else
      play.run(line.substr(0, kMaxEvents));
  }
  return 0;
}
