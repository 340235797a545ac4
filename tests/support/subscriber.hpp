#pragma once

#include "proto/message_header.hpp"
#include "tests/support/deadline.hpp"

#include <zmq.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::test {

/// One message as a consumer receives it.
struct Message {
  std::string topic;
  std::string payload;
  proto::MessageHeader header;
};

/// A consumer: a SUB socket that loses nothing by its own queue's bound.
class Subscriber {
 public:
  explicit Subscriber(const std::string& endpoint, const std::vector<std::string>& topics = {""}) {
    socket_.set(zmq::sockopt::rcvhwm, 0);
    socket_.set(zmq::sockopt::linger, 0);
    for (const auto& topic : topics) socket_.set(zmq::sockopt::subscribe, topic);
    watch_for_end();
    socket_.connect(endpoint);
  }

  /// From now on, more; in force as soon as the bridge has read it.
  void subscribe(const std::string& topic) { socket_.set(zmq::sockopt::subscribe, topic); }
  void unsubscribe(const std::string& topic) { socket_.set(zmq::sockopt::unsubscribe, topic); }

  /// The next message, or nullopt if none comes in time.
  std::optional<Message> receive(std::chrono::milliseconds deadline = kDeadline) {
    zmq::pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq::poll(&item, 1, deadline) == 0) return std::nullopt;
    Message message;
    zmq::message_t topic, payload, header;
    if (!socket_.recv(topic) || !topic.more()) return std::nullopt;
    if (!socket_.recv(payload) || !payload.more()) return std::nullopt;
    if (!socket_.recv(header) || header.more()) return std::nullopt;
    message.topic = topic.to_string();
    message.payload = payload.to_string();
    const auto decoded = proto::MessageHeader::decode(
        {static_cast<const std::uint8_t*>(header.data()), header.size()});
    if (!decoded) return std::nullopt;
    message.header = *decoded;
    return message;
  }

  /// Waits until the connection has ended; false where it does not in time. All that came by it is
  /// then there to be received.
  bool wait_for_end() {
    zmq::pollitem_t item{end_.handle(), 0, ZMQ_POLLIN, 0};
    return zmq::poll(&item, 1, kDeadline) > 0;
  }

 private:
  void watch_for_end() {
    constexpr auto kAddress = "inproc://end";
    zmq_socket_monitor(socket_.handle(), kAddress, ZMQ_EVENT_DISCONNECTED);
    end_.set(zmq::sockopt::linger, 0);
    end_.connect(kAddress);
  }

  zmq::context_t context_{1};
  zmq::socket_t socket_{context_, zmq::socket_type::sub};
  zmq::socket_t end_{context_, zmq::socket_type::pair};  ///< where libzmq tells of it
};

}  // namespace bpx::test
