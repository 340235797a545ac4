#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/publish/admission.hpp"
#include "bridge/publish/attendance.hpp"
#include "bridge/publish/audience.hpp"
#include "bridge/publish/backlog.hpp"
#include "bridge/publish/subscription.hpp"
#include "proto/message_header.hpp"

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// The ZeroMQ side: one bound XPUB socket for each audience that has endpoints. Used by one thread,
/// the one that constructed it.
class Publisher {
 public:
  /// How an audience's endpoints are encrypted, and to whom they open.
  struct Curve {
    std::string_view secret_key;  ///< the server's, Z85; looked at by the constructor alone
    Admission admission;
  };

  struct Options {
    std::vector<std::string> public_bind;   ///< endpoints, may be empty
    std::vector<std::string> private_bind;  ///< endpoints, may be empty
    std::optional<Curve> public_curve{};    ///< without it, everyone may come in
    std::optional<Curve> private_curve{};
    int send_hwm = 100'000;  ///< messages queued for one slow consumer
    /// Bytes of payload that wait for consumers in all; beyond it whoever is furthest behind goes.
    std::uint64_t queue_bytes = 268'435'456;
    Attendance::Bounds public_bounds{};  ///< of those who connect
    Attendance::Bounds private_bounds{};
    std::chrono::milliseconds linger{500};  ///< how long close() may go on sending
  };

  /// Binds every endpoint. Throws StartupError naming the endpoint that cannot be bound. Changes
  /// the process's umask for a moment: no other thread is to create files meanwhile. Every user of
  /// the machine may connect to a public `ipc://PATH`, the process's user to a private one, and its
  /// group where the umask lets it write; the directories on the way may forbid more.
  Publisher(const Options& options, Measurements& measurements, Log& log);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Whether anybody can be listening: false where no endpoint is configured for `audience`.
  bool serves(Audience audience) const;

  /// Hands one message to ZeroMQ: three frames. Never blocks: to a consumer whose queue is full the
  /// message is lost, to the others it is not. Without endpoints for `audience` it does nothing.
  void publish(Audience audience, std::string_view topic, std::string_view payload,
               const proto::MessageHeader& header);

  /// Likewise, with the stamp as it is, on a consumer's request: the payload counts in `backlog`
  /// for as long as it waits to be taken.
  void publish_answer(Audience audience, std::string_view topic, std::string_view payload,
                      const proto::MessageHeader& header, Backlog& backlog);

  /// One of each endpoint, to be watched for reading: readable once a consumer has sent something.
  /// After that drain_requests() is to be called, until it finds nothing. Where something is
  /// published in between, the readiness may be lost: look from time to time, too. Open until
  /// close(). Source: zmq_getsockopt(3), ZMQ_FD.
  std::vector<int> request_descriptors() const;

  /// Reads what consumers have sent: subscriptions, which ZeroMQ itself acts upon and `receiver` is
  /// told of, every consumer's of the same topic too; and anything else, which is discarded. A
  /// bounded number at a time: to be called often, else it piles up. Returns whether there was
  /// nothing.
  bool drain_requests(SubscriptionReceiver& receiver);

  /// Replaces whom the endpoints of `audience` admit; they must have CURVE. A consumer that is in
  /// stays in until it disconnects.
  void admit(Audience audience, Admission admission);

  /// How many connections consumers may have at most, at all endpoints together. A quarter of them
  /// is for the private ones, where there are both.
  void bound_connections(std::size_t most);

  /// The endpoints as bound, with the port that the system chose in place of `*` or 0.
  std::vector<std::string> endpoints(Audience audience) const;

  /// Of libzmq, as it runs.
  static std::string library_version();

  /// Closes the sockets. libzmq goes on sending what is queued, for at most the configured linger:
  /// the future is there to wait for that. Who does not may only end the process.
  [[nodiscard]] std::future<void> close();

 private:
  class Socket;
  Socket* socket(Audience audience) const;
  void watch_the_queues();

  struct Sockets;
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace bpx::bridge
