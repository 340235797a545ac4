#include "bridge/cli/tail_ladder.hpp"

#include "bridge/cli/book_answers.hpp"
#include "bridge/cli/book_page.hpp"
#include "bridge/cli/interrupt.hpp"
#include "bridge/cli/live_book.hpp"
#include "bridge/cli/request_topic.hpp"
#include "bridge/cli/running_clock.hpp"
#include "bridge/cli/secrecy.hpp"
#include "bridge/cli/tail_socket.hpp"
#include "bridge/cli/tail_watch.hpp"
#include "bridge/one_line.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kStatusTopic = "bridge.status";
constexpr std::size_t kMostLevels = 10;           ///< shown of each side
constexpr std::chrono::seconds kAskAgain{1};      ///< where no answer comes, or no book
constexpr std::chrono::milliseconds kFrame{100};  ///< from one drawing to the next: an eye's pace
constexpr int kAtOnce = 1'000;                    ///< messages, then what else there is to do

class Ladder {
 public:
  Ladder(const TailFlags& flags, const std::optional<TailKeys>& keys)
      : topic_(*flags.book),
        stream_(stream_of_topic(topic_)),
        endpoints_(flags.endpoints.size()),
        socket_(flags.endpoints, keys) {
    socket_.subscribe(topic_);  // before the book: what follows it must not pass by
    socket_.subscribe(std::string(kStatusTopic));
  }

  /// Until interrupted.
  void run() {
    while (!is_interrupted() && std::cout) {
      now_ = clock_.read(Clock::now());
      if ((!book_.is_right() || book_.runs_short()) && now_ >= ask_at_) ask();
      if (socket_.wait(kFrame)) drain();
      note_silence();
      draw();
    }
  }

 private:
  void ask() {
    if (!request_.empty()) explain(answers_.has_come());
    end_request();
    request_ = book_topic(stream_);
    answers_ = BookAnswers(endpoints_);
    socket_.subscribe(request_);
    ask_at_ = now_ + kAskAgain;
  }

  void end_request() {
    if (!request_.empty()) socket_.unsubscribe(std::exchange(request_, {}));
  }

  void drain() {
    for (int taken = 0; taken < kAtOnce; ++taken) {
      const auto received = socket_.receive();
      if (!received) return;
      if (received->has_header) on_message(received->message);
    }
  }

  void on_message(const TailMessage& message) {
    if (message.topic == topic_) {
      const bool was_right = book_.is_right();
      book_.on_live(message);
      if (was_right && !book_.is_right()) lose("a message does not continue the book");
    } else if (message.topic == request_) {
      if (!answers_.settled_by(message.payload)) return;
      book_.on_answer(message);
      end_request();
      if (book_.is_right())
        has_explained_ = false;
      else
        explain(/*has_answer=*/true);
    } else if (message.topic.starts_with(kStatusTopic)) {
      if (const auto text = watch_.on_status(message.payload, now_)) remark(*text);
    }
  }

  void note_silence() {
    if (!book_.is_right() || !watch_.misses_heartbeats(now_)) return;
    book_.forget();
    lose("heartbeats have stopped");
  }

  void lose(const std::string& why) {
    remark(why + ": what is shown is out of date. Asking for the book anew");
    ask_at_ = now_;
    has_explained_ = true;
  }

  void explain(bool has_answer) {
    if (!std::exchange(has_explained_, true)) remark(why_no_book(stream_, has_answer));
  }

  /// The next drawing begins below it.
  void remark(std::string_view text) {
    lines_ = 0;
    std::cerr << "-- " << without_keys(one_line(text)) << '\n';
  }

  void draw() {
    if (!book_.is_right() || (lines_ > 0 && drawn_id_ == book_.update_id()) ||
        now_ < drawn_at_ + kFrame)
      return;
    winsize size{};
    ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    // Two sides, the line above and the one between them, and the cursor's.
    const auto levels = size.ws_row == 0
                            ? kMostLevels
                            : std::clamp<std::size_t>((size.ws_row - 3U) / 2, 1, kMostLevels);
    const auto page = book_page(stream_, book_.json(), levels);
    if (!page) return;
    drawn_id_ = book_.update_id();
    drawn_at_ = now_;

    auto text = lines_ > 0 ? "\x1b[" + std::to_string(lines_) + 'A' : std::string();
    lines_ = 0;
    for (std::string_view rest = *page; !rest.empty(); ++lines_) {
      const auto end = rest.find('\n');
      text.append(rest.substr(0, size.ws_col == 0 ? end : std::min<std::size_t>(end, size.ws_col)));
      text.append("\x1b[K\n");  // what a longer line has left
      rest.remove_prefix(end + 1);
    }
    std::cout << text << "\x1b[J" << std::flush;
  }

  std::string topic_;
  std::string stream_;
  std::size_t endpoints_;
  TailSocket socket_;
  RunningClock clock_{Clock::now()};
  Clock::time_point now_;  ///< of this turn
  TailWatch watch_;
  LiveBook book_;
  std::string request_;     ///< the topic that it has been asked by; empty: none is under way
  BookAnswers answers_{1};  ///< to that
  Clock::time_point ask_at_;
  bool has_explained_ = false;  ///< why there is no book
  std::size_t lines_ = 0;       ///< drawn, above the cursor; 0: draw below what is there
  std::uint64_t drawn_id_ = 0;
  Clock::time_point drawn_at_;
};

}  // namespace

int tail_ladder(const TailFlags& flags, const std::optional<TailKeys>& keys) {
  Ladder(flags, keys).run();
  return kStopped;
}

}  // namespace bpx::bridge::cli
