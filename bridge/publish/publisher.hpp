#pragma once

#include "proto/message_header.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// Who may see a message: each has sockets of its own, and nothing crosses.
enum class Audience : std::uint8_t { everyone, account };

/// `account.*` is for the account's owner, everything else for everyone.
Audience audience_of(std::string_view stream);

/// The ZeroMQ side: one bound XPUB socket for each audience that has endpoints. Used by one thread,
/// the one that constructed it.
class Publisher {
 public:
  struct Options {
    std::vector<std::string> public_bind;   ///< endpoints, may be empty
    std::vector<std::string> private_bind;  ///< endpoints, may be empty
    int send_hwm = 100'000;                 ///< messages queued for one slow consumer
    std::chrono::milliseconds linger{500};  ///< how long close() may go on sending
  };

  /// Binds every endpoint. Throws StartupError naming the endpoint that cannot be bound.
  explicit Publisher(const Options& options);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Whether anybody can be listening: false where no endpoint is configured for `audience`.
  bool serves(Audience audience) const;

  /// Hands one message to ZeroMQ: three frames, after stamping `header.sent_ns`. Never blocks: to a
  /// consumer whose queue is full the message is lost, to the others it is not. Without endpoints
  /// for `audience` it does nothing.
  void publish(Audience audience, std::string_view topic, std::string_view payload,
               proto::MessageHeader header);

  /// Reads what consumers have sent: subscriptions, which ZeroMQ itself acts upon, and anything
  /// else, which is discarded. A bounded number at a time: to be called often, else it piles up.
  void drain_requests();

  /// The endpoints as bound, with the port that the system chose in place of `*` or 0.
  std::vector<std::string> endpoints(Audience audience) const;

  /// Sends what is queued, for at most the configured linger, and closes the sockets.
  void close();

 private:
  class Socket;
  Socket* socket(Audience audience) const;

  struct Sockets;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace bpx::bridge
