#include "bridge/bounded.hpp"
#include "bridge/cli/commands.hpp"
#include "bridge/cli/interrupt.hpp"
#include "bridge/cli/outbox.hpp"
#include "bridge/cli/replayed_topic.hpp"
#include "bridge/cli/request_topic.hpp"
#include "bridge/cli/running_clock.hpp"
#include "bridge/cli/secrecy.hpp"
#include "bridge/cli/tail_keys.hpp"
#include "bridge/cli/tail_line.hpp"
#include "bridge/cli/tail_socket.hpp"
#include "bridge/cli/tail_watch.hpp"
#include "bridge/cli/topic_pattern.hpp"
#include "bridge/one_line.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kStatusTopic = "bridge.status";
constexpr std::chrono::seconds kSilence{3};

/// However fast messages come, what else there is to do has its turn after so many.
constexpr int kAtOnce = 1'000;

/// Twice what may wait for the end of a replay, which then comes at once.
constexpr std::size_t kMaxBytesUnwritten = 2 * ReplayedTopic::kMaxBytesWaiting;
constexpr std::size_t kMaxRemarkBytes = std::size_t{1} << 20U;

/// So long whoever reads stdout or stderr has, once this is interrupted, to take what is left.
constexpr std::chrono::milliseconds kLastPatience{1'000};

bool is_terminal() { return isatty(STDOUT_FILENO) != 0; }

TailLine::Options line_options() {
  if (!is_terminal()) return {};
  winsize size{};
  ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
  return {.has_colour = true, .width = size.ws_col};
}

std::string join(const std::vector<std::string>& texts) {
  std::string joined;
  for (const auto& text : texts) joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

class Tail {
 public:
  Tail(const TailFlags& flags, const std::optional<TailKeys>& keys)
      : flags_(flags),
        line_(line_options()),
        own_key_(keys ? keys->own.public_key() : std::string()),
        watch_(own_key_),
        socket_(flags.endpoints, keys) {
    for (const auto& topic : flags.topics) patterns_.emplace_back(topic);
    if (patterns_.empty()) patterns_.emplace_back("*");
    for (const auto& pattern : patterns_) socket_.subscribe(pattern.subscription());
    socket_.subscribe(std::string(kStatusTopic));
    if (!flags.replay_from) return;
    for (const auto& topic : flags.topics)
      if (std::ranges::find(replayed_, topic, &ReplayedTopic::topic) == replayed_.end())
        replayed_.emplace_back(topic, *flags.replay_from, flags.endpoints.size());
  }

  /// Until interrupted, or enough has come.
  void run() {
    while (!is_done() && !is_interrupted() && !has_failed()) {
      turn_at_ = now();
      seek_replays();
      wait_for_message();
      drain();
      out_.flush();
      tell_of_left_out();
      explain_silence();
    }
    finish();
  }

  /// Whether stdout did not take what is printed.
  bool has_failed() const { return out_.has_failed(); }

  bool is_done() const { return flags_.count && printed_ >= *flags_.count; }

 private:
  Clock::time_point now() { return clock_.read(Clock::now()); }

  void wait_for_message() {
    const auto silent_at = last_message_ + kSilence;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(silent_at - now());
    // Once silence has been explained there is nothing to say until something comes. Signals
    // interrupt the wait; a bound covers one that arrives between the check and the wait.
    const auto timeout =
        std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(200));
    socket_.wait(has_explained_ ? std::chrono::milliseconds(200) : timeout,
                 out_.waiting() > 0 ? std::optional(out_.descriptor()) : std::nullopt);
  }

  void drain() {
    for (int taken = 0; taken < kAtOnce && !is_done() && !is_interrupted(); ++taken) {
      const auto received = socket_.receive();
      if (!received) {
        dry_at_ = turn_at_;  // if this was halted since, what has come is still on its way in
        return;
      }
      if (received->has_header)
        on_message(received->message);
      else if (const auto text = watch_.on_unreadable(received->message.topic))
        remark(*text);
    }
  }

  /// Asks for what was missed, again where no answer comes.
  void seek_replays() {
    for (auto& replayed : replayed_) {
      give_up_where_in_vain(replayed);
      if (!replayed.is_due(dry_at_)) continue;
      if (!replayed.request().empty()) socket_.unsubscribe(replayed.request());
      replayed.asked_by(replay_topic(stream_of_topic(replayed.topic()), replayed.from()), now());
      socket_.subscribe(replayed.request());
    }
  }

  void give_up_where_in_vain(ReplayedTopic& replayed) {
    const auto failure = replayed.failure(dry_at_);
    if (!failure) return;
    remark(*failure);
    socket_.unsubscribe(replayed.request());
    replayed.end(print_);
  }

  void on_message(const TailMessage& message) {
    if (message.topic.starts_with(kStatusTopic) && !is_wanted_by_name(message.topic)) {
      if (const auto text = watch_.on_status(message.payload, now())) remark(*text);
      return;
    }
    for (auto& replayed : replayed_) {
      if (message.topic == replayed.topic()) return on_live(replayed, message);
      if (message.topic != replayed.request()) continue;
      if (const auto text = replayed.on_replayed(message, now(), print_)) remark(*text);
      if (replayed.is_over()) socket_.unsubscribe(std::string(message.topic));
      return;
    }
    if (std::ranges::any_of(patterns_, [&](const auto& p) { return p.matches(message.topic); }))
      print(message);
  }

  /// At once, so that the bound on what waits is one.
  void on_live(ReplayedTopic& replayed, const TailMessage& message) {
    replayed.on_live(message, print_);
    give_up_where_in_vain(replayed);
  }

  /// Whether the person asked for the status itself and not just for everything.
  bool is_wanted_by_name(std::string_view topic) const {
    return std::ranges::any_of(patterns_, [&](const auto& pattern) {
      return !pattern.subscription().empty() && pattern.matches(topic);
    });
  }

  void print(const TailMessage& message) {
    if (is_done()) return;
    if (const auto text = watch_.on_message(message.topic, message.header)) remark(*text);
    last_message_ = now();
    has_explained_ = false;
    ++(write(message) ? printed_ : left_out_);
  }

  /// False where whoever reads this is too far behind. What would steer a terminal does not come to
  /// one.
  bool write(const TailMessage& message) {
    if (out_.is_full()) return false;
    if (flags_.format == TailFormat::pretty) return out_.add(line_.format(message));
    return is_terminal_ ? out_.add(one_line(message.payload)) : out_.add(message.payload);
  }

  /// Once there is room again.
  void tell_of_left_out() {
    if (left_out_ == 0 || out_.is_full()) return;
    remark(std::to_string(std::exchange(left_out_, 0)) +
           " messages were left out: whoever reads this is too slow");
  }

  /// What is printed is written; but nobody who is interrupted waits for long.
  void finish() {
    while (out_.waiting() > 0 && !has_failed() && !is_interrupted()) {
      out_.wait(std::chrono::milliseconds(200));
      out_.flush();
    }
    const auto end = Clock::now() + kLastPatience;
    flush_until(out_, end);
    if (out_.waiting() > 0 && !has_failed())
      remark(std::to_string(out_.waiting()) +
             " bytes were left out at the end: whoever reads this is too slow");
    if (left_out_ > 0) remark(std::to_string(left_out_) + " messages were left out before that");
    flush_until(remarks_, end);
  }

  static void flush_until(Outbox& box, Clock::time_point end) {
    for (;;) {
      box.flush();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
      if (box.waiting() == 0 || box.has_failed() || left <= std::chrono::milliseconds(0)) return;
      box.wait(left);
    }
  }

  /// Once, and again when the heartbeats of a bridge that was silent anyway stop or return.
  void explain_silence() {
    const auto time = now();
    if (time < last_message_ + kSilence) return;
    const bool is_cut_off = watch_.misses_heartbeats(time);
    if (has_explained_ && is_cut_off == has_explained_cut_) return;
    has_explained_ = true;
    has_explained_cut_ = is_cut_off;
    remark(watch_.explain_silence(
        join(flags_.endpoints), flags_.topics.empty() ? "any stream" : join(flags_.topics), time));
  }

  void remark(std::string_view text) {
    out_.flush();
    remarks_.add("-- " + bounded(without_keys(one_line(text), {own_key_})));
    remarks_.flush();
  }

  const TailFlags& flags_;
  TailLine line_;
  std::string own_key_;  ///< public; empty without CURVE
  TailWatch watch_;
  std::vector<TopicPattern> patterns_;
  TailSocket socket_;
  std::vector<ReplayedTopic> replayed_;
  const ReplayedTopic::Print print_ = [this](const TailMessage& message) { print(message); };
  const bool is_terminal_ = is_terminal();
  Outbox out_{STDOUT_FILENO, kMaxBytesUnwritten};
  Outbox remarks_{STDERR_FILENO, kMaxRemarkBytes};
  std::uint64_t printed_ = 0;
  std::uint64_t left_out_ = 0;  ///< since they were last told of
  RunningClock clock_{Clock::now()};
  Clock::time_point last_message_ = now();
  Clock::time_point turn_at_ = last_message_;
  Clock::time_point dry_at_ = last_message_;  ///< nothing waited to be read then
  bool has_explained_ = false;
  bool has_explained_cut_ = false;  ///< that heartbeats have stopped
};

}  // namespace

int tail(const TailFlags& flags) {
  Problems problems;
  const auto keys = load_tail_keys(flags, problems);
  if (report(problems)) return kMisconfigured;
  const bool has_exact_topics =
      !flags.topics.empty() &&
      std::ranges::none_of(flags.topics, [](const auto& topic) { return topic.ends_with('*'); });
  if (flags.replay_from && !has_exact_topics) {
    std::cerr << "backpack-bridge: tail --replay asks for what was missed of exact topics; name "
                 "each, without *\n";
    return kMisconfigured;
  }
  catch_interrupts();
  Tail tail(flags, keys);
  tail.run();
  if (tail.has_failed()) {
    std::cerr << "backpack-bridge: cannot write to standard output\n";
    return kCannotRun;
  }
  return flags.count && !tail.is_done() ? kCannotRun : kStopped;
}

}  // namespace bpx::bridge::cli
