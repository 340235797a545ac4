#include "bridge/cli/commands.hpp"
#include "bridge/cli/interrupt.hpp"
#include "bridge/cli/replayed_topic.hpp"
#include "bridge/cli/request_topic.hpp"
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

#include <sys/ioctl.h>
#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view kStatusTopic = "bridge.status";
constexpr std::chrono::seconds kSilence{3};

/// However fast messages come, what else there is to do has its turn after so many.
constexpr int kAtOnce = 1'000;

TailLine::Options line_options() {
  if (isatty(STDOUT_FILENO) == 0) return {};
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
        replayed_.emplace_back(topic);
  }

  /// Until interrupted, or enough has come.
  void run() {
    while (!is_done() && !is_interrupted() && std::cout) {
      seek_replays();
      if (wait_for_message()) drain();
      explain_silence();
    }
  }

  bool is_done() const { return flags_.count && printed_ >= *flags_.count; }

 private:
  bool wait_for_message() {
    std::cout.flush();
    const auto silent_at = last_printed_ + kSilence;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(silent_at - Clock::now());
    // Once silence has been explained there is nothing to say until something comes. Signals
    // interrupt the wait; a bound covers one that arrives between the check and the wait.
    const auto timeout =
        std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(200));
    return socket_.wait(has_explained_ ? std::chrono::milliseconds(200) : timeout);
  }

  void drain() {
    for (int taken = 0; taken < kAtOnce && !is_done() && !is_interrupted(); ++taken) {
      const auto received = socket_.receive();
      if (!received) return;
      if (received->has_header)
        on_message(received->message);
      else
        remark("a message of " + std::string(received->message.topic) +
               " has no header I can read");
    }
  }

  /// Asks for what was missed, again where no answer comes.
  void seek_replays() {
    const auto now = Clock::now();
    for (auto& replayed : replayed_) {
      give_up_where_in_vain(replayed, now);
      if (!replayed.is_due(now)) continue;
      if (!replayed.request().empty()) socket_.unsubscribe(replayed.request());
      const auto from = replayed.from(*flags_.replay_from);
      replayed.asked_by(replay_topic(stream_of_topic(replayed.topic()), from), now);
      socket_.subscribe(replayed.request());
    }
  }

  void give_up_where_in_vain(ReplayedTopic& replayed, Clock::time_point now) {
    const auto failure = replayed.failure(now);
    if (!failure) return;
    remark(*failure);
    socket_.unsubscribe(replayed.request());
    replayed.end(print_);
  }

  void on_message(const TailMessage& message) {
    if (message.topic.starts_with(kStatusTopic) && !is_wanted_by_name(message.topic)) {
      if (const auto text = watch_.on_status(message.payload, Clock::now())) remark(*text);
      return;
    }
    for (auto& replayed : replayed_) {
      if (message.topic == replayed.topic()) return on_live(replayed, message);
      if (message.topic != replayed.request()) continue;
      const bool is_end = (message.header.flags & proto::MessageHeader::end_of_replay) != 0;
      if (is_end) socket_.unsubscribe(replayed.request());
      if (const auto text = replayed.on_replayed(message, Clock::now(), print_)) remark(*text);
      return;
    }
    if (std::ranges::any_of(patterns_, [&](const auto& p) { return p.matches(message.topic); }))
      print(message);
  }

  /// At once, so that the bound on what waits is one.
  void on_live(ReplayedTopic& replayed, const TailMessage& message) {
    replayed.on_live(message, print_);
    give_up_where_in_vain(replayed, Clock::now());
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
    if (flags_.format == TailFormat::raw)
      std::cout << message.payload << '\n';
    else
      std::cout << line_.format(message) << '\n';
    ++printed_;
    last_printed_ = Clock::now();
    has_explained_ = false;
  }

  /// Once, and again when the heartbeats of a bridge that was silent anyway stop or return.
  void explain_silence() {
    const auto now = Clock::now();
    if (now < last_printed_ + kSilence) return;
    const bool is_cut_off = watch_.misses_heartbeats(now);
    if (has_explained_ && is_cut_off == has_explained_cut_) return;
    has_explained_ = true;
    has_explained_cut_ = is_cut_off;
    remark(watch_.explain_silence(join(flags_.endpoints),
                                  flags_.topics.empty() ? "any stream" : join(flags_.topics), now));
  }

  void remark(std::string_view text) const {
    std::cout.flush();
    std::cerr << "-- " << without_keys(one_line(text), {own_key_}) << '\n';
  }

  const TailFlags& flags_;
  TailLine line_;
  std::string own_key_;  ///< public; empty without CURVE
  TailWatch watch_;
  std::vector<TopicPattern> patterns_;
  TailSocket socket_;
  std::vector<ReplayedTopic> replayed_;
  const ReplayedTopic::Print print_ = [this](const TailMessage& message) { print(message); };
  std::uint64_t printed_ = 0;
  Clock::time_point last_printed_ = Clock::now();
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
  return flags.count && !tail.is_done() ? kCannotRun : kStopped;
}

}  // namespace bpx::bridge::cli
