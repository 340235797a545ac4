/// Consumers that measure: so many subscribers of one endpoint in one process. Usage:
/// load-consumer ENDPOINT SUBSCRIBERS. Obeys stdin, a line of JSON for each command:
///
///   await                 answered once every subscriber has received something
///   ignore                all stay connected, and subscribe to nothing any more; answered at once
///   measure FIRST COUNT   the numbers of the series that comes next; answered at once
///   result SILENCE_MS     what became of it: answered when all is there, or nothing came for so
///   long first CONNECTION      when the first message of the source's connection came, Unix ns

#include "tests/bench/load/latencies.hpp"
#include "tests/bench/load/reception.hpp"
#include "tests/bench/load/stamp.hpp"

#include <zmq.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <poll.h>
#include <unistd.h>

namespace {

using namespace bpx::bench;
using Clock = std::chrono::steady_clock;

std::int64_t unix_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

class Consumers {
 public:
  Consumers(const char* endpoint, std::size_t subscribers)
      : context_(zmq_ctx_new()), receptions_(subscribers), has_heard_(subscribers) {
    constexpr int kUnbounded = 0;
    constexpr int kReconnectMs = 1;
    for (std::size_t i = 0; i < subscribers; ++i) {
      void* const socket = zmq_socket(context_, ZMQ_SUB);
      zmq_setsockopt(socket, ZMQ_RCVHWM, &kUnbounded, sizeof kUnbounded);
      zmq_setsockopt(socket, ZMQ_RECONNECT_IVL, &kReconnectMs, sizeof kReconnectMs);
      zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0);
      if (zmq_connect(socket, endpoint) != 0) throw std::runtime_error(zmq_strerror(zmq_errno()));
      sources_.push_back({socket, 0, ZMQ_POLLIN, 0});
    }
    sources_.push_back({nullptr, STDIN_FILENO, ZMQ_POLLIN, 0});
    zmq_msg_init(&part_);
  }

  /// Until stdin ends.
  void run() {
    constexpr long kLookMs = 20;
    for (;;) {
      zmq_poll(sources_.data(), static_cast<int>(sources_.size()), kLookMs);
      for (std::size_t i = 0; i < receptions_.size(); ++i)
        if ((sources_[i].revents & ZMQ_POLLIN) != 0) drain(i);
      if (sources_.back().revents != 0 && !obey()) return;
      answer_what_has_come();
    }
  }

 private:
  void drain(std::size_t subscriber) {
    constexpr int kAtOnce = 1'000;
    void* const socket = sources_[subscriber].socket;
    for (int i = 0; i < kAtOnce; ++i) {
      if (zmq_msg_recv(&part_, socket, ZMQ_DONTWAIT) < 0) return;  // the topic
      for (int frame = 1; zmq_msg_more(&part_) != 0; ++frame) {
        zmq_msg_recv(&part_, socket, 0);
        if (frame == 1)
          take(subscriber, {static_cast<const char*>(zmq_msg_data(&part_)), zmq_msg_size(&part_)});
      }
    }
  }

  void take(std::size_t subscriber, std::string_view payload) {
    const auto now_ns = subscriber == 0 ? unix_ns() : 0;
    const auto stamp = read_stamp(payload);
    if (!stamp) return;
    has_heard_[subscriber] = true;
    if (const auto connection = stamp->connection(); connection && subscriber == 0)
      first_.try_emplace(*connection, now_ns);
    const auto number = stamp->number();
    if (!number || !receptions_[subscriber].take(*number)) return;
    last_taken_ = Clock::now();
    if (subscriber == 0)
      latencies_.note(now_ns - static_cast<std::int64_t>(stamp->sent_us) * 1'000);
  }

  /// False where stdin has ended.
  bool obey() {
    char bytes[256];
    const auto size = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (size <= 0) return false;
    heard_.append(bytes, static_cast<std::size_t>(size));
    for (auto end = heard_.find('\n'); end != std::string::npos; end = heard_.find('\n')) {
      obey(heard_.substr(0, end));
      heard_.erase(0, end + 1);
    }
    return true;
  }

  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    std::uint64_t number = 0, count = 0;
    words >> command >> number >> count;
    if (command == "await") {
      is_awaited_ = true;
    } else if (command == "ignore") {
      for (const auto& source : sources_)
        if (source.socket != nullptr) zmq_setsockopt(source.socket, ZMQ_UNSUBSCRIBE, "", 0);
      answer("{}");
    } else if (command == "measure") {
      for (auto& reception : receptions_) reception.begin(number, count);
      latencies_.begin(count);
      began_ = last_taken_ = Clock::now();
      answer("{}");
    } else if (command == "result") {
      silence_ = std::chrono::milliseconds(number);
    } else if (command == "first") {
      wanted_connection_ = number;
    } else {
      answer(R"({"fault":"what is that?"})");
    }
  }

  void answer_what_has_come() {
    if (is_awaited_ && std::ranges::all_of(has_heard_, [](bool heard) { return heard; })) {
      is_awaited_ = false;
      answer("{}");
    }
    if (wanted_connection_ && first_.contains(*wanted_connection_)) {
      answer(R"({"first_ns":)" + std::to_string(first_.at(*wanted_connection_)) + '}');
      wanted_connection_.reset();
    }
    if (silence_ && (Clock::now() - last_taken_ > *silence_ ||
                     std::ranges::all_of(receptions_, &Reception::is_complete))) {
      silence_.reset();
      report();
    }
  }

  void report() {
    std::uint64_t received = 0, lost = 0;
    for (const auto& reception : receptions_) {
      received += reception.received();
      lost += reception.lost();
    }
    latencies_.sort();
    const std::chrono::duration<double> took = last_taken_ - began_;
    std::ostringstream json;
    json << R"({"received":)" << received << R"(,"lost":)" << lost << R"(,"seconds":)"
         << took.count() << R"(,"p50":)" << latencies_.at(0.5) << R"(,"p99":)"
         << latencies_.at(0.99) << R"(,"p99.9":)" << latencies_.at(0.999) << R"(,"max":)"
         << latencies_.at(1) << '}';
    answer(json.str());
  }

  static void answer(const std::string& json) { std::cout << json << std::endl; }

  void* context_;
  std::vector<zmq_pollitem_t> sources_;  ///< a socket for each subscriber, and stdin
  std::vector<Reception> receptions_;
  std::vector<bool> has_heard_;
  zmq_msg_t part_{};
  Latencies latencies_;  ///< of the first subscriber
  std::map<std::uint64_t, std::int64_t> first_;
  std::string heard_;
  Clock::time_point began_{};
  Clock::time_point last_taken_{};
  bool is_awaited_ = false;
  std::optional<std::chrono::milliseconds> silence_;
  std::optional<std::uint64_t> wanted_connection_;
};

}  // namespace

int main(int argc, char** argv) {
  const auto subscribers = argc == 3 ? std::atol(argv[2]) : 0;
  if (subscribers < 1) {
    std::cerr << "usage: load-consumer ENDPOINT SUBSCRIBERS\n";
    return 2;
  }
  try {
    Consumers(argv[1], static_cast<std::size_t>(subscribers)).run();
    std::cout.flush();
    ::_exit(0);  // nothing is owed to anybody, and tidying up sixty-four queues takes its time
  } catch (const std::exception& failure) {
    std::cerr << "load-consumer: " << failure.what() << '\n';
    return 1;
  }
}
