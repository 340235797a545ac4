#include "bridge/cli/tail_socket.hpp"

#include "bridge/clock.hpp"
#include "bridge/config/endpoint.hpp"

#include <zmq.hpp>

#include <array>
#include <stdexcept>

namespace bpx::bridge::cli {
namespace {

/// Messages that have come in one go and are not taken in yet.
constexpr int kMostWaiting = 10'000;

std::string_view view(const zmq::message_t& frame) {
  return {static_cast<const char*>(frame.data()), frame.size()};
}

}  // namespace

struct TailSocket::Socket {
  zmq::context_t context{1};
  zmq::socket_t zmq{context, zmq::socket_type::sub};
  std::array<zmq::message_t, 3> frames;

  /// How many frames the next message had; 0 where none is there.
  std::size_t receive_frames() {
    if (!zmq.recv(frames[0], zmq::recv_flags::dontwait)) return 0;
    std::size_t count = 1;
    for (bool more = frames[0].more(); more; ++count) {
      zmq::message_t further;
      auto& frame = count < frames.size() ? frames.at(count) : further;
      if (!zmq.recv(frame)) break;
      more = frame.more();
    }
    return count;
  }
};

bool can_be_connected_to(const std::string& endpoint) {
  const auto address = parse_zmq_endpoint(endpoint);
  return address && address->can_be_connected_to();
}

TailSocket::TailSocket(const std::vector<std::string>& endpoints,
                       const std::optional<TailKeys>& keys)
    : socket_(std::make_unique<Socket>()) {
  auto& zmq = socket_->zmq;
  // Beyond that messages wait at the bridge, and those that it cannot keep are told of as lost.
  zmq.set(zmq::sockopt::rcvhwm, kMostWaiting);
  zmq.set(zmq::sockopt::linger, 0);
  zmq.set(zmq::sockopt::ipv6, true);
  if (keys) {
    zmq.set(zmq::sockopt::curve_serverkey, keys->server_key);
    zmq.set(zmq::sockopt::curve_publickey, keys->own.public_key());
    zmq.set(zmq::sockopt::curve_secretkey, keys->own.secret_key());
  }
  for (const auto& endpoint : endpoints) try {
      zmq.connect(endpoint);
    } catch (const zmq::error_t& error) {
      // What is no endpoint at all may be anything, a key put into the wrong place among it.
      const bool is_endpoint = endpoint.find("://") != std::string::npos;
      throw std::runtime_error(
          "cannot connect to " + (is_endpoint ? endpoint : std::string("what --connect names")) +
          ": " + error.what() + "; give an endpoint such as tcp://127.0.0.1:5555");
    }
}

TailSocket::~TailSocket() = default;

void TailSocket::subscribe(const std::string& topic) {
  socket_->zmq.set(zmq::sockopt::subscribe, topic);
}

void TailSocket::unsubscribe(const std::string& topic) {
  socket_->zmq.set(zmq::sockopt::unsubscribe, topic);
}

bool TailSocket::wait(std::chrono::milliseconds timeout, std::optional<int> writable) {
  std::array items = {zmq::pollitem_t{socket_->zmq.handle(), 0, ZMQ_POLLIN, 0},
                      zmq::pollitem_t{nullptr, writable.value_or(-1), ZMQ_POLLOUT, 0}};
  try {
    zmq::poll(items.data(), writable ? 2 : 1, timeout);
    return items.front().revents != 0;
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    return false;
  }
}

std::optional<TailSocket::Received> TailSocket::receive() {
  while (const auto count = socket_->receive_frames()) {
    if (count < socket_->frames.size()) continue;
    const auto& [topic, payload, header] = socket_->frames;
    const auto decoded = proto::MessageHeader::decode(
        {static_cast<const std::uint8_t*>(header.data()), header.size()});
    return Received{.message = {.topic = view(topic),
                                .payload = view(payload),
                                .header = decoded.value_or(proto::MessageHeader{}),
                                .arrived_ns = unix_ns()},
                    .has_header = decoded.has_value()};
  }
  return std::nullopt;
}

}  // namespace bpx::bridge::cli
