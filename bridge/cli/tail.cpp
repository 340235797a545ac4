#include "bridge/cli/commands.hpp"
#include "bridge/cli/interrupt.hpp"
#include "bridge/cli/tail_line.hpp"
#include "bridge/cli/tail_watch.hpp"
#include "bridge/cli/topic_pattern.hpp"
#include "bridge/clock.hpp"
#include "bridge/one_line.hpp"

#include <zmq.hpp>

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

std::string_view view(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

class Tail {
 public:
  explicit Tail(const TailFlags& flags) : flags_(flags), line_(line_options()) {
    for (const auto& topic : flags.topics) patterns_.emplace_back(topic);
    if (patterns_.empty()) patterns_.emplace_back("*");
    socket_.set(zmq::sockopt::rcvhwm,
                0);  // what cannot be printed yet waits here, not at the bridge
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::ipv6, true);
    for (const auto& pattern : patterns_)
      socket_.set(zmq::sockopt::subscribe, pattern.subscription());
    socket_.set(zmq::sockopt::subscribe, kStatusTopic);
    for (const auto& endpoint : flags.endpoints) connect(endpoint);
  }

  /// Until interrupted, or enough has come.
  void run() {
    while (!is_done() && !is_interrupted()) {
      if (wait_for_message())
        drain();
      else
        explain_silence();
    }
  }

  bool is_done() const { return flags_.count && printed_ >= *flags_.count; }

 private:
  void connect(const std::string& endpoint) try {
    socket_.connect(endpoint);
  } catch (const zmq::error_t& error) {
    throw std::runtime_error("cannot connect to " + endpoint + ": " + error.what() +
                             "; give an endpoint such as tcp://127.0.0.1:5555");
  }

  bool wait_for_message() {
    std::cout.flush();
    const auto silent_at = last_printed_ + kSilence;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(silent_at - Clock::now());
    // Once silence has been explained there is nothing to say until something comes. Signals
    // interrupt the wait; a bound covers one that arrives between the check and the wait.
    const auto timeout =
        std::clamp(left, std::chrono::milliseconds(0), std::chrono::milliseconds(200));
    zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    try {
      const auto wait = has_explained_ ? std::chrono::milliseconds(200) : timeout;
      return zmq::poll(&item, 1, wait) > 0;
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
      return false;
    }
  }

  void drain() {
    zmq::message_t topic;
    while (!is_done() && !is_interrupted() && socket_.recv(topic, zmq::recv_flags::dontwait)) {
      std::array<zmq::message_t, 2> frames;
      std::size_t count = 0;
      for (bool more = topic.more(); more; ++count) {
        zmq::message_t further;
        auto& frame = count < frames.size() ? frames.at(count) : further;
        if (!socket_.recv(frame)) break;
        more = frame.more();
      }
      if (count >= frames.size()) on_message(view(topic), view(frames[0]), view(frames[1]));
    }
  }

  void on_message(std::string_view topic, std::string_view payload, std::string_view header_bytes) {
    const auto now = unix_ns();
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(header_bytes.data());
    const auto header = proto::MessageHeader::decode({bytes, header_bytes.size()});
    if (!header) return remark("a message of " + std::string(topic) + " has no header I can read");
    if (topic.starts_with(kStatusTopic) && !is_wanted_by_name(topic)) {
      if (const auto text = watch_.on_status(payload)) remark(*text);
      return;
    }
    if (!std::ranges::any_of(patterns_, [&](const auto& p) { return p.matches(topic); })) return;
    if (const auto text = watch_.on_message(topic, *header)) remark(*text);
    print({.topic = topic, .payload = payload, .header = *header, .arrived_ns = now});
  }

  /// Whether the person asked for the status itself and not just for everything.
  bool is_wanted_by_name(std::string_view topic) const {
    return std::ranges::any_of(patterns_, [&](const auto& pattern) {
      return !pattern.subscription().empty() && pattern.matches(topic);
    });
  }

  void print(const TailMessage& message) {
    if (flags_.format == TailFormat::raw)
      std::cout << message.payload << '\n';
    else
      std::cout << line_.format(message) << '\n';
    ++printed_;
    last_printed_ = Clock::now();
    has_explained_ = false;
  }

  void explain_silence() {
    if (has_explained_ || Clock::now() < last_printed_ + kSilence) return;
    has_explained_ = true;
    remark(watch_.explain_silence(join(flags_.endpoints),
                                  flags_.topics.empty() ? "any stream" : join(flags_.topics)));
  }

  static void remark(std::string_view text) {
    std::cout.flush();
    std::cerr << "-- " << one_line(text) << '\n';
  }

  const TailFlags& flags_;
  TailLine line_;
  TailWatch watch_;
  std::vector<TopicPattern> patterns_;
  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::sub};
  std::uint64_t printed_ = 0;
  Clock::time_point last_printed_ = Clock::now();
  bool has_explained_ = false;
};

}  // namespace

int tail(const TailFlags& flags) {
  catch_interrupts();
  Tail tail(flags);
  tail.run();
  std::cout.flush();
  return flags.count && !tail.is_done() ? kCannotRun : kStopped;
}

}  // namespace bpx::bridge::cli
