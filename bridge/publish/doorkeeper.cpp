#include "bridge/publish/doorkeeper.hpp"

#include "bridge/clock.hpp"
#include "bridge/thread_name.hpp"

#include <chrono>
#include <utility>

namespace bpx::bridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kEndpoint = "inproc://doorkeeper";

}  // namespace

Doorkeeper::Doorkeeper(zmq::context_t& context, std::vector<PeerMonitor*> watched,
                       ZapAuthenticator* authenticator, const Queues& queues,
                       std::vector<SocketFile> socket_files, Log& log)
    : watched_(std::move(watched)),
      authenticator_(authenticator),
      queues_(queues),
      socket_files_(std::move(socket_files)),
      log_(log),
      owners_end_(context, zmq::socket_type::pair),
      threads_end_(context, zmq::socket_type::pair) {
  for (auto* const peers : watched_) crowds_.push_back(&peers->crowd());
  owners_end_.set(zmq::sockopt::sndhwm, 0);
  threads_end_.set(zmq::sockopt::rcvhwm, 0);  // no word is lost
  threads_end_.bind(kEndpoint);
  owners_end_.connect(kEndpoint);
  thread_ = std::thread([this] { run(); });
}

Doorkeeper::~Doorkeeper() {
  say(Word::stop);
  thread_.join();
}

void Doorkeeper::hurry() { say(Word::hurry); }

/// Which does not throw, nor wait.
void Doorkeeper::say(Word word) {
  zmq_send(owners_end_.handle(), &word, sizeof word, ZMQ_DONTWAIT);
}

void Doorkeeper::run() try { keep_door(); } catch (const zmq::error_t& error) {
  // Nobody new comes in where there is CURVE, as libzmq waits for an answer; those who are in go
  // on.
  log_.error("doorkeeper failed", {{"detail", error.what()}});
}

void Doorkeeper::keep_door() {
  name_this_thread("doorkeeper");
  std::vector<zmq::pollitem_t> items{{threads_end_.handle(), 0, ZMQ_POLLIN, 0}};
  for (auto* const peers : watched_) items.push_back({peers->events().handle(), 0, ZMQ_POLLIN, 0});
  if (authenticator_ != nullptr)
    items.push_back({authenticator_->socket().handle(), 0, ZMQ_POLLIN, 0});
  auto next_look = Clock::now();
  for (;;) {
    try {
      zmq::poll(items, queues_.next_look());
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
      continue;
    }
    for (std::size_t i = 0; i < watched_.size(); ++i)
      if (items[i + 1].revents != 0) watched_[i]->take_in();
    if (authenticator_ != nullptr && items.back().revents != 0) authenticator_->answer();
    const bool is_hurried = items.front().revents != 0;
    if (is_hurried && is_told_to_stop()) return;
    if (!is_hurried && Clock::now() < next_look) continue;
    look_around();
    next_look = Clock::now() + queues_.next_look();
  }
}

bool Doorkeeper::is_told_to_stop() {
  Word word{};
  while (zmq_recv(threads_end_.handle(), &word, sizeof word, ZMQ_DONTWAIT) >= 0)
    if (word == Word::stop) return true;
  return false;
}

void Doorkeeper::look_around() {
  for (auto* const peers : watched_) peers->look_around();
  queues_.look(crowds_, steady_ns());
  for (auto& file : socket_files_)
    if (const auto loss = file.loss())
      log_.error("socket file lost", {{"endpoint", file.endpoint()},
                                      {"cause", *loss},
                                      {"check",
                                       "who did that; nobody finds this bridge there "
                                       "until it is restarted"}});
}

}  // namespace bpx::bridge
