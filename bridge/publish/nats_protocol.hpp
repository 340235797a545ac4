#pragma once

#include "bridge/publish/jetstream_window.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

// The protocol of NATS, what of it is spoken here, as text alone.
// https://docs.nats.io/reference/reference-protocols/nats-protocol

/// Writes messages as JetStream is to keep them: their subject, their headers, their payload.
class NatsPublications {
 public:
  /// Answers are to come to `<inbox>.<number>`.
  NatsPublications(std::string subject_prefix, std::string inbox);

  /// Appends the message to `out`. False where the server takes none like it, which takes
  /// `max_payload` bytes in a message, its headers included: then nothing has changed.
  bool append(std::string& out, const JetStreamWindow::Message& message, std::uint64_t number,
              std::size_t max_payload);

  /// The number in the subject of an answer; nullopt for another subject.
  std::optional<std::uint64_t> number_of(std::string_view subject) const;

  /// The stream of a message with that subject; nullopt where no message has it.
  std::optional<std::string_view> stream_of(std::string_view subject) const;

 private:
  std::string subject_prefix_;
  std::string reply_prefix_;
  std::string epoch_;  ///< its digits: it is the same for as long as the bridge runs
  std::uint64_t epoch_us_ = 0;
  std::vector<char> line_, headers_;  ///< of one message after the other
};

/// One thing that the server says.
struct NatsOperation {
  enum class Kind : std::uint8_t { info, message, ping, error, pong, ok, malformed };
  Kind kind = Kind::malformed;
  std::string_view subject;  ///< of a message
  std::string_view headers;  ///< of a message, with the line before them; empty: none
  std::string_view text;     ///< payload of a message, JSON of an info, words of an error
  std::size_t bytes = 0;     ///< of all this in the input
};

/// Whether it is the server's word that nobody answers at the subject of a request.
bool is_from_nobody(const NatsOperation& message);

/// The subject that an error says nothing may be published to; nullopt for other errors, behind
/// which the server ends the connection.
std::optional<std::string_view> forbidden_subject(const NatsOperation& error);

/// What the input begins with, as views into it; nullopt where its end has not come yet.
std::optional<NatsOperation> next_operation(std::string_view input);

}  // namespace bpx::bridge
