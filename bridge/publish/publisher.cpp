#include "bridge/publish/publisher.hpp"

#include "bridge/clock.hpp"
#include "bridge/startup_error.hpp"
#include "proto/stream_name.hpp"

#include <zmq.hpp>

#include <optional>

namespace bpx::bridge {
namespace {

/// A consumer's longest legitimate request is a replay topic, well below this. What is longer ends
/// the consumer's connection.
constexpr std::int64_t kMaxRequestBytes = 4096;

/// A consumer that vanished without a word (power cut, dropped route) is noticed within 40 s, so
/// that its queue is freed: by ZMTP heartbeats, and by TCP keepalive where a consumer's library
/// knows none.
constexpr int kHeartbeatMs = 10'000;
constexpr int kHeartbeatTimeoutMs = 30'000;
constexpr int kKeepaliveIdleS = 10;
constexpr int kKeepaliveIntervalS = 10;
constexpr int kKeepaliveCount = 3;

/// Whoever connects must finish the ZMTP handshake in this time or is cut off.
constexpr int kHandshakeMs = 5'000;

constexpr int kBacklog = 1024;

/// Between two looks at the exchange: nobody who floods the bridge with requests holds its messages
/// up.
constexpr int kRequestsAtOnce = 1'000;

zmq::socket_t make_socket(zmq::context_t& context, const Publisher::Options& options) {
  zmq::socket_t socket(context, zmq::socket_type::xpub);
  socket.set(zmq::sockopt::sndhwm, options.send_hwm);
  socket.set(zmq::sockopt::linger, static_cast<int>(options.linger.count()));
  socket.set(zmq::sockopt::maxmsgsize, kMaxRequestBytes);
  socket.set(zmq::sockopt::heartbeat_ivl, kHeartbeatMs);
  socket.set(zmq::sockopt::heartbeat_timeout, kHeartbeatTimeoutMs);
  socket.set(zmq::sockopt::handshake_ivl, kHandshakeMs);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, kKeepaliveIdleS);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, kKeepaliveIntervalS);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, kKeepaliveCount);
  socket.set(zmq::sockopt::backlog, kBacklog);
  return socket;
}

/// ZeroMQ takes `*` for a port of the system's choice and 0 as well; it only documents `*`.
std::string to_zmq(const std::string& endpoint) {
  return endpoint.starts_with("tcp://") && endpoint.ends_with(":0")
             ? endpoint.substr(0, endpoint.size() - 1) + '*'
             : endpoint;
}

}  // namespace

Audience audience_of(std::string_view stream) {
  return proto::is_private_stream(stream) ? Audience::account : Audience::everyone;
}

class Publisher::Socket {
 public:
  Socket(zmq::context_t& context, const Options& options, const std::vector<std::string>& binds,
         const std::string& key)
      : socket_(make_socket(context, options)) {
    for (const auto& endpoint : binds) {
      try {
        socket_.set(zmq::sockopt::ipv6, endpoint.starts_with("tcp://["));
        socket_.bind(to_zmq(endpoint));
      } catch (const zmq::error_t& error) {
        throw StartupError(key + ": cannot bind " + endpoint + ": " + error.what() +
                           "; stop what holds it or configure another endpoint");
      }
      endpoints_.push_back(socket_.get(zmq::sockopt::last_endpoint));
    }
  }

  const std::vector<std::string>& endpoints() const { return endpoints_; }

  void send(std::string_view topic, std::string_view payload, proto::MessageHeader header) {
    header.sent_ns = unix_ns();
    const auto header_bytes = header.encode();
    send_frame(topic.data(), topic.size(), ZMQ_SNDMORE);
    send_frame(payload.data(), payload.size(), ZMQ_SNDMORE);
    send_frame(header_bytes.data(), header_bytes.size(), 0);
  }

  void drain_requests() {
    zmq::message_t request;
    for (int i = 0; i < kRequestsAtOnce && socket_.recv(request, zmq::recv_flags::dontwait); ++i) {
    }
  }

 private:
  void send_frame(const void* bytes, std::size_t size, int flags) {
    // The C function: cppzmq would report the impossible EAGAIN (XPUB drops, it does not block) as
    // a value and everything else as an exception, at a cost for each message.
    while (zmq_send(socket_.handle(), bytes, size, flags | ZMQ_DONTWAIT) < 0) {
      if (zmq_errno() != EINTR) throw zmq::error_t();
    }
  }

  zmq::socket_t socket_;
  std::vector<std::string> endpoints_;
};

struct Publisher::Sockets {
  // Declared first, destroyed last: terminating the context waits for the sockets' linger.
  zmq::context_t context{1};
  std::optional<Socket> everyone;
  std::optional<Socket> account;
};

Publisher::Publisher(const Options& options) : sockets_(std::make_unique<Sockets>()) {
  if (!options.public_bind.empty())
    sockets_->everyone.emplace(sockets_->context, options, options.public_bind,
                               "publish.public.bind");
  if (!options.private_bind.empty())
    sockets_->account.emplace(sockets_->context, options, options.private_bind,
                              "publish.private.bind");
}

Publisher::~Publisher() = default;

Publisher::Socket* Publisher::socket(Audience audience) const {
  auto& socket = audience == Audience::account ? sockets_->account : sockets_->everyone;
  return socket ? &*socket : nullptr;
}

bool Publisher::serves(Audience audience) const { return socket(audience) != nullptr; }

void Publisher::publish(Audience audience, std::string_view topic, std::string_view payload,
                        proto::MessageHeader header) {
  if (auto* to = socket(audience)) to->send(topic, payload, header);
}

void Publisher::drain_requests() {
  for (const auto audience : {Audience::everyone, Audience::account})
    if (auto* from = socket(audience)) from->drain_requests();
}

std::vector<std::string> Publisher::endpoints(Audience audience) const {
  const auto* bound = socket(audience);
  return bound != nullptr ? bound->endpoints() : std::vector<std::string>{};
}

void Publisher::close() {
  sockets_->everyone.reset();
  sockets_->account.reset();
  sockets_->context.close();
}

}  // namespace bpx::bridge
