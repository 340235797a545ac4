#pragma once

#include "bridge/publish/jetstream_window.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bpx::bridge {

/// One connection to one NATS server, from its beginning to its first trouble: it never reconnects
/// by itself, so that what was sent on it and what came back belong together. Every call may block,
/// for at most kPatience or so. Used by one thread.
class JetStreamConnection {
 public:
  /// How long one step may take: connecting, a question to the server, writing to its socket.
  static constexpr std::chrono::milliseconds kPatience{2'000};

  /// A server: `nats://HOST:PORT` or `tls://HOST:PORT`, taken apart.
  struct Server {
    std::string url;
    std::string host;
    bool is_tls = false;
  };

  struct Access {
    std::string ca_file;           ///< PEM; empty: the system's trust anchors alone
    std::string credentials_file;  ///< as `nsc` makes it; empty: none
  };

  /// What a JetStream stream is to be like.
  struct Stream {
    std::string name;
    std::string subject_prefix;  ///< `backpack.`; the stream's subjects are `backpack.>`
    std::uint64_t replicas = 1;
    std::chrono::seconds max_age{};
    std::uint64_t max_bytes = 0;
  };

  struct Fault {
    std::string cause;  ///< for a person
  };

  using OrFault = std::variant<std::unique_ptr<JetStreamConnection>, Fault>;
  static OrFault open(const Server& server, const Access& access);

  /// Frees what the library keeps for the calling thread, which is not to use this class again.
  static void release_thread();

  ~JetStreamConnection();
  JetStreamConnection(const JetStreamConnection&) = delete;
  JetStreamConnection& operator=(const JetStreamConnection&) = delete;

  /// Creates the stream where there is none; one that is there stays as it is.
  struct Found {
    bool is_new = false;
    std::vector<std::string> differences;  ///< `replicas 1, configured 3`
  };
  std::variant<Found, Fault> find_or_create(const Stream& stream);

  /// Sends the message, to be answered by an Answer with `number`.
  enum class Sent : std::uint8_t {
    yes,
    never,  ///< the server takes no message like this
    failed  ///< the connection is of no use any more: see fault()
  };
  Sent send(std::string_view subject_prefix, const JetStreamWindow::Message& message,
            std::uint64_t number);

  /// What has become of a message.
  struct Answer {
    enum class Kind : std::uint8_t {
      stored,
      never,   ///< this message will never be stored, others may be
      refused  ///< now; another time it may be stored
    };
    Kind kind = Kind::stored;
    std::uint64_t number = 0;
    std::string cause;  ///< of what is not stored
  };
  /// The next answer that has come; nullopt where none is there. Does not wait.
  std::optional<Answer> next_answer();

  /// Why the connection is of no use any more; nullopt while it is.
  std::optional<std::string> fault() const;

 private:
  struct Handles;
  explicit JetStreamConnection(std::unique_ptr<Handles> handles);

  std::unique_ptr<Handles> handles_;
};

}  // namespace bpx::bridge
