#include "bridge/publish/doorkeeper.hpp"

#include <chrono>
#include <utility>

namespace bpx::bridge {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kStopEndpoint = "inproc://doorkeeper";
constexpr std::chrono::seconds kLookInterval{1};

}  // namespace

Doorkeeper::Doorkeeper(zmq::context_t& context, std::vector<PeerMonitor*> watched,
                       ZapAuthenticator* authenticator, Log& log)
    : watched_(std::move(watched)),
      authenticator_(authenticator),
      log_(log),
      stop_(context, zmq::socket_type::pair),
      stopped_(context, zmq::socket_type::pair) {
  stopped_.bind(kStopEndpoint);
  stop_.connect(kStopEndpoint);
  thread_ = std::thread([this] { run(); });
}

Doorkeeper::~Doorkeeper() {
  zmq_send(stop_.handle(), nullptr, 0, 0);  // which does not throw
  thread_.join();
}

void Doorkeeper::run() try { keep_door(); } catch (const zmq::error_t& error) {
  // Nobody new comes in where there is CURVE, as libzmq waits for an answer; those who are in go
  // on.
  log_.error("doorkeeper failed", {{"detail", error.what()}});
}

void Doorkeeper::keep_door() {
  std::vector<zmq::pollitem_t> items{{stopped_.handle(), 0, ZMQ_POLLIN, 0}};
  for (auto* const peers : watched_) items.push_back({peers->events().handle(), 0, ZMQ_POLLIN, 0});
  if (authenticator_ != nullptr)
    items.push_back({authenticator_->socket().handle(), 0, ZMQ_POLLIN, 0});
  auto next_look = Clock::now() + kLookInterval;
  for (;;) {
    try {
      zmq::poll(items, kLookInterval);
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
      continue;
    }
    if (items.front().revents != 0) return;
    for (std::size_t i = 0; i < watched_.size(); ++i)
      if (items[i + 1].revents != 0) watched_[i]->take_in();
    if (authenticator_ != nullptr && items.back().revents != 0) authenticator_->answer();
    if (Clock::now() < next_look) continue;
    for (auto* const peers : watched_) peers->look_around();
    next_look = Clock::now() + kLookInterval;
  }
}

}  // namespace bpx::bridge
