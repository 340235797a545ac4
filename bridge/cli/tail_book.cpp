#include "bridge/cli/book_answers.hpp"
#include "bridge/cli/book_page.hpp"
#include "bridge/cli/commands.hpp"
#include "bridge/cli/interrupt.hpp"
#include "bridge/cli/request_topic.hpp"
#include "bridge/cli/secrecy.hpp"
#include "bridge/cli/tail_keys.hpp"
#include "bridge/cli/tail_ladder.hpp"
#include "bridge/cli/tail_socket.hpp"
#include "bridge/one_line.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLevelsShown = 10;

/// Who gets no answer, as only so many requests a second are served, or no book, asks again.
constexpr std::chrono::seconds kAskAgain{1};

void remark(std::string_view text) { std::cerr << "-- " << without_keys(one_line(text)) << '\n'; }

void print(const std::string& stream, std::string_view payload, TailFormat format) {
  const auto page = book_page(stream, payload, kLevelsShown);
  if (format == TailFormat::raw || !page)
    std::cout << (isatty(STDOUT_FILENO) != 0 ? one_line(payload) : payload) << '\n';
  else
    std::cout << *page;
}

/// The payload of the answer under `topic`, empty for no book at any of the endpoints; nullopt
/// where none comes in time.
std::optional<std::string> answer(TailSocket& socket, const std::string& topic,
                                  std::size_t endpoints) {
  BookAnswers answers(endpoints);
  const auto end = Clock::now() + kAskAgain;
  while (!is_interrupted()) {
    while (const auto received = socket.receive())
      if (received->message.topic == topic && received->has_header &&
          answers.settled_by(received->message.payload))
        return std::string(received->message.payload);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left <= std::chrono::milliseconds(0)) break;
    socket.wait(std::min(left, std::chrono::milliseconds(200)));
  }
  if (answers.has_come()) return std::string();
  return std::nullopt;
}

}  // namespace

int tail_book(const TailFlags& flags) {
  if (!flags.topics.empty() || flags.replay_from) {
    std::cerr << "backpack-bridge: tail --book shows one book; leave out TOPIC and --replay\n";
    return kMisconfigured;
  }
  Problems problems;
  const auto keys = load_tail_keys(flags, problems);
  if (report(problems)) return kMisconfigured;
  catch_interrupts();
  if (flags.format == TailFormat::pretty && isatty(STDOUT_FILENO) != 0)
    return tail_ladder(flags, keys);
  const std::string stream(stream_of_topic(*flags.book));
  TailSocket socket(flags.endpoints, keys);
  bool has_explained = false;
  while (!is_interrupted()) {
    const auto asked = Clock::now();
    const auto topic = book_topic(stream);
    socket.subscribe(topic);
    const auto payload = answer(socket, topic, flags.endpoints.size());
    socket.unsubscribe(topic);
    if (payload && !payload->empty()) {
      print(stream, *payload, flags.format);
      std::cout.flush();
      return kStopped;
    }
    if (!is_interrupted() && !std::exchange(has_explained, true))
      remark(why_no_book(stream, payload.has_value()));
    while (!is_interrupted() && Clock::now() < asked + kAskAgain)
      socket.wait(std::chrono::milliseconds(50));
  }
  return kCannotRun;
}

}  // namespace bpx::bridge::cli
