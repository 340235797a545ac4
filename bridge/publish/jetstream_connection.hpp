#pragma once

#include "bridge/publish/jetstream_window.hpp"
#include "bridge/publish/nats_protocol.hpp"
#include "bridge/publish/nats_server.hpp"
#include "bridge/publish/nats_socket.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace bpx::bridge {

/// One connection to one NATS server, from its beginning to its first trouble: it never reconnects
/// by itself, so that what was sent on it and what came back belong together. It has no thread: all
/// that is to be sent goes out, and all that has come is read, in exchange(), in one go. Used by
/// one thread, in which SIGPIPE is not to end the program.
class JetStreamConnection {
 public:
  using OrFault = std::variant<std::unique_ptr<JetStreamConnection>, NatsFault>;
  /// Takes kNatsPatience at most, and the look-up of a name.
  static OrFault open(const NatsServer& server, const NatsAccess& access,
                      const std::string& subject_prefix);

  ~JetStreamConnection() = default;
  JetStreamConnection(const JetStreamConnection&) = delete;
  JetStreamConnection& operator=(const JetStreamConnection&) = delete;

  /// Whether more may be given to send() before exchange() has sent what there is.
  bool has_room() const { return out_.size() - written_ < kMostOutgoing; }

  /// To be sent, and to be answered by an Answer with `number`. False where the server takes no
  /// message like it.
  bool send(const JetStreamWindow::Message& message, std::uint64_t number);

  /// Sends and reads as much as that is possible without waiting.
  void exchange();

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
  /// The next answer of those that exchange() has read; nullopt where there is none.
  std::optional<Answer> next_answer();

  /// Why the connection is of no use any more; nullopt while it is.
  const std::optional<std::string>& fault() const;

 private:
  static constexpr std::size_t kMostOutgoing = std::size_t{1} << 20U;
  static constexpr std::size_t kMostIncoming = std::size_t{1} << 20U;

  JetStreamConnection(const std::string& address, NatsSocket::Deadline deadline);
  void greet(const NatsServer& server, const NatsAccess& access, const std::string& subject_prefix,
             NatsSocket::Deadline deadline);
  std::optional<NatsOperation> take_operation();
  std::string await(NatsOperation::Kind kind, NatsSocket::Deadline deadline);
  void read();
  void write();
  void fail(std::string cause);

  NatsSocket socket_;
  std::optional<NatsPublications> publications_;
  std::optional<std::string> fault_;

  std::string out_;  ///< of this, the first written_ bytes have been written
  std::size_t written_ = 0;
  std::unique_ptr<char[]> in_;
  std::size_t taken_ = 0;  ///< of in_: what lies before is done with
  std::size_t read_ = 0;   ///< of in_: what has come

  std::int64_t last_written_steady_ns_ = 0;
  std::int64_t last_heard_steady_ns_ = 0;
  bool has_pinged_ = false;
};

}  // namespace bpx::bridge
