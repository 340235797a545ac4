#include "bridge/publish/peer_monitor.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/traffic.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

namespace bpx::bridge {
namespace {

constexpr int kEvents = ZMQ_EVENT_LISTENING | ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

/// Of a failure that libzmq does not explain.
constexpr std::int32_t kNoDetail = 0;

/// For the first words. Who has said them is nobody's enemy yet: a peer of ZMTP 2 need say no more
/// for as long as it listens.
constexpr std::int64_t kGreetingNs = 5'000'000'000;

/// Between two looks at what else the thread has to do.
constexpr int kEventsAtOnce = 1'000;

/// Of a peer by ipc, in the words in which libzmq tells it where a peer has a key.
std::string user_of(int descriptor) {
  ucred user{};
  socklen_t size = sizeof user;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &user, &size) != 0) return {};
  return "localhost:" + std::to_string(user.uid) + ':' + std::to_string(user.gid) + ':' +
         std::to_string(user.pid);
}

std::string address_of(int descriptor) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  auto* const peer = reinterpret_cast<sockaddr*>(&address);
  if (getpeername(descriptor, peer, &size) != 0) return {};
  if (peer->sa_family == AF_UNIX) return user_of(descriptor);
  std::array<char, NI_MAXHOST> host{};
  if (getnameinfo(peer, size, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) return {};
  return host.data();
}

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
      case ZMQ_EVENT_DISCONNECTED: on_disconnected(event->value); break;
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED: on_handshake(); break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: failure_ = event->value; break;
      default: failure_ = kNoDetail; break;
    }
  }
  if (refusals_ != nullptr) learn_addresses(arrived);
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
  connections_.insert_or_assign(descriptor, std::string());
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

void PeerMonitor::on_disconnected(std::int32_t descriptor) {
  crowd_.left(descriptor);
  const auto peer = connections_.extract(descriptor);
  // A failure names no peer, but the I/O thread, of which there is one, cuts the peer off before it
  // does anything else: the next that goes is the one that failed. And a peer may go without one:
  // who is no ZeroMQ, or sees first that the other side's security is not its own.
  const auto failure = std::exchange(failure_, std::nullopt);
  const auto is_it = [&](const Newcomer& newcomer) { return newcomer.descriptor == descriptor; };
  if (std::erase_if(newcomers_, is_it) > 0 || failure) crowd_.handshake_failed();
  if (refusals_ != nullptr && failure && *failure != kNoDetail)
    refusals_->note(peer ? peer.mapped() : std::string(), reason_of(*failure));
}

void PeerMonitor::learn_addresses(const std::vector<std::int32_t>& arrived) {
  // Not of those who are gone already: the descriptor may have become another's. That is for peers
  // on this machine to achieve: a handshake takes several times the way of its messages.
  for (const auto descriptor : arrived) {
    const auto peer = connections_.find(descriptor);
    if (peer != connections_.end()) peer->second = address_of(descriptor);
  }
}

}  // namespace bpx::bridge
