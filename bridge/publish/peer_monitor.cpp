#include "bridge/publish/peer_monitor.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/traffic.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

constexpr int kEvents = ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED |
                        ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_SUCCEEDED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

/// Of a failure that libzmq does not explain.
constexpr std::int32_t kNoDetail = 0;

/// For the first words. Who has said them is nobody's enemy yet: a peer of ZMTP 2 need say no more
/// for as long as it listens.
constexpr std::int64_t kGreetingNs = 5'000'000'000;

/// Between two looks at what else the thread has to do.
constexpr int kEventsAtOnce = 1'000;

std::string_view reason_of(std::int32_t protocol_error) {
  if (protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH) return "no_curve";
  if (protocol_error == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC) return "server_key";
  return "protocol";
}

}  // namespace

PeerMonitor::PeerMonitor(zmq::context_t& context, zmq::socket_t& watched, const std::string& name,
                         Crowd& crowd, Refusals* refusals)
    : watched_(watched),
      events_(context, zmq::socket_type::pair),
      crowd_(crowd),
      refusals_(refusals) {
  const auto endpoint = "inproc://peers-of-" + name;
  if (zmq_socket_monitor(watched_.handle(), endpoint.c_str(), kEvents) != 0) throw zmq::error_t();
  // libzmq's I/O thread, which carries everybody's data, would wait for a full queue of events.
  events_.set(zmq::sockopt::rcvhwm, 0);
  events_.connect(endpoint);
}

PeerMonitor::~PeerMonitor() { zmq_socket_monitor(watched_.handle(), nullptr, 0); }

void PeerMonitor::take_in() {
  bool has_failed_to_accept = false;
  std::vector<std::int32_t> arrived;
  for (int i = 0; i < kEventsAtOnce; ++i) {
    const auto event = next_event();
    if (!event) break;
    switch (event->kind) {
      case ZMQ_EVENT_LISTENING: crowd_.listening(event->value); break;
      case ZMQ_EVENT_ACCEPTED:
        on_arrived(event->value);
        arrived.push_back(event->value);
        break;
      case ZMQ_EVENT_ACCEPT_FAILED: has_failed_to_accept = true; break;
      case ZMQ_EVENT_DISCONNECTED: on_disconnected(event->value); break;
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: on_handshake(); break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: failure_ = event->value; break;
      default: failure_ = kNoDetail; break;
    }
  }
  if (has_failed_to_accept) crowd_.could_not_accept();
  // Not of those who are gone already: the descriptor may have become another's. That is for peers
  // on this machine to achieve: a handshake takes several times the way of its messages.
  for (const auto descriptor : arrived) crowd_.identify(descriptor);
}

void PeerMonitor::look_around() {
  give_up_on_the_silent();
  crowd_.look_around();
}

/// Those who have been here for a while and not said a word yet.
void PeerMonitor::give_up_on_the_silent() {
  const auto now = steady_ns();
  for (; !newcomers_.empty() && now - newcomers_.front().since_ns > kGreetingNs;
       newcomers_.pop_front()) {
    const auto descriptor = newcomers_.front().descriptor;
    if (const auto traffic = traffic_of(descriptor); !traffic || !traffic->is_silent()) continue;
    crowd_.said_nothing(descriptor);
  }
}

std::optional<PeerMonitor::Event> PeerMonitor::next_event() {
  // Two frames: event (16 bit) and value (32 bit) in the host's byte order; the local address.
  zmq::message_t event, address;
  while (events_.recv(event, zmq::recv_flags::dontwait) && events_.recv(address)) {
    Event known;
    if (event.size() != sizeof known.kind + sizeof known.value) continue;
    std::memcpy(&known.kind, event.data(), sizeof known.kind);
    std::memcpy(&known.value, event.data<char>() + sizeof known.kind, sizeof known.value);
    return known;
  }
  return std::nullopt;
}

void PeerMonitor::on_arrived(std::int32_t descriptor) {
  crowd_.arrived(descriptor);
  forget_newcomer(descriptor);  // the descriptor is another's now
  newcomers_.push_back({descriptor, steady_ns()});
}

/// Whose it is, libzmq does not tell: of those who have said something the first is taken for it.
void PeerMonitor::on_handshake() {
  const auto speaks = [](const Newcomer& newcomer) {
    const auto traffic = traffic_of(newcomer.descriptor);
    return !traffic || !traffic->is_silent();
  };
  const auto first = std::ranges::find_if(newcomers_, speaks);
  if (first != newcomers_.end()) newcomers_.erase(first);
}

/// Returns whether it was one.
bool PeerMonitor::forget_newcomer(std::int32_t descriptor) {
  return std::erase_if(newcomers_, [descriptor](const Newcomer& newcomer) {
           return newcomer.descriptor == descriptor;
         }) > 0;
}

void PeerMonitor::on_disconnected(std::int32_t descriptor) {
  const auto host = crowd_.left(descriptor);
  // A failure names no peer, but the I/O thread, of which there is one, cuts the peer off before it
  // does anything else: the next that goes is the one that failed. And a peer may go without one:
  // who is no ZeroMQ, or sees first that the other side's security is not its own.
  const auto failure = std::exchange(failure_, std::nullopt);
  if (forget_newcomer(descriptor) || failure) crowd_.handshake_failed();
  if (refusals_ != nullptr && failure && *failure != kNoDetail)
    refusals_->note(host, reason_of(*failure));
}

}  // namespace bpx::bridge
