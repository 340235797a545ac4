#pragma once

#include "bridge/publish/jetstream_window.hpp"
#include "bridge/publish/nats_connection.hpp"
#include "bridge/publish/nats_protocol.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace bpx::bridge {

/// Hands messages to JetStream on one connection, each with a number by which its answer is known.
/// Used by the connection's thread.
class JetStreamConnection {
 public:
  JetStreamConnection(std::unique_ptr<NatsConnection> connection, std::string stream_name,
                      std::string subject_prefix);

  /// Whether more may be given to send() before exchange() has sent what there is.
  bool has_room() const { return connection_->has_room(); }

  /// To be sent, and to be answered by an Answer with `number`. False where the server takes no
  /// message like it.
  bool send(const JetStreamWindow::Message& message, std::uint64_t number);

  /// Sends and reads as much as that is possible without waiting.
  void exchange() { connection_->exchange(); }

  /// What has become of a message.
  struct Answer {
    enum class Kind : std::uint8_t {
      stored,
      never,     ///< this message will never be stored, others may be
      refused,   ///< now; another time it may be stored
      forbidden  ///< for this user, as every message of that stream's is; it has no number
    };
    Kind kind = Kind::stored;
    std::uint64_t number = 0;
    std::string cause{};   ///< of what is not stored
    std::string stream{};  ///< of what is forbidden
  };
  /// The next answer of those that exchange() has read; nullopt where there is none. What others
  /// answer is passed over, be it JetStream itself on behalf of another stream.
  std::optional<Answer> next_answer();

  /// Why the connection is of no use any more; nullopt while it is.
  const std::optional<std::string>& fault() const { return connection_->fault(); }

 private:
  std::optional<Answer> answer_in(const NatsOperation& message, std::uint64_t number) const;

  std::unique_ptr<NatsConnection> connection_;
  NatsPublications publications_;
  std::string stream_name_;
  std::string stored_;  ///< how the answer begins that a message is stored
};

}  // namespace bpx::bridge
