#include "bridge/publish/jetstream_connection.hpp"

#include "bridge/publish/nats_json.hpp"

#include <string_view>
#include <utility>

namespace bpx::bridge {
namespace {

/// Of an error that a message meets, whatever the server's condition.
bool is_for_good(std::int64_t error_code) {
  constexpr std::int64_t kMessageTooLong = 10'054;
  constexpr std::int64_t kHeaderTooLong = 10'097;
  return error_code == kMessageTooLong || error_code == kHeaderTooLong;
}

/// https://docs.nats.io/nats-concepts/jetstream: `{"stream":"BACKPACK","seq":1}`, or an error.
/// Number 0 is none: of a message whose id the server has seen, and which it has yet to store.
JetStreamConnection::Answer answer_in(const NatsOperation& message, std::uint64_t number) {
  using Kind = JetStreamConnection::Answer::Kind;
  const auto text = message.text;
  constexpr std::string_view kNumber = "\"seq\":";
  const auto number_at = text.find(kNumber);
  const bool is_stored = text.find("\"error\":") == text.npos && number_at != text.npos &&
                         !text.substr(number_at + kNumber.size()).starts_with('0');
  if (is_stored) return {.kind = Kind::stored, .number = number, .cause = {}};
  if (is_from_nobody(message))
    return {.kind = Kind::refused,
            .number = number,
            .cause = "no stream of JetStream takes the subject now"};
  const auto answer = parse_nats_json(text);
  const auto& error = member_of(answer, "error");
  return {.kind = is_for_good(number_in(error, "err_code", 0)) ? Kind::never : Kind::refused,
          .number = number,
          .cause = text_in(error, "description", "not understood")};
}

}  // namespace

JetStreamConnection::JetStreamConnection(std::unique_ptr<NatsConnection> connection,
                                         std::string subject_prefix)
    : connection_(std::move(connection)),
      publications_(std::move(subject_prefix), connection_->inbox(), connection_->max_payload()) {}

bool JetStreamConnection::send(const JetStreamWindow::Message& message, std::uint64_t number) {
  return publications_.append(connection_->outgoing(), message, number);
}

std::optional<JetStreamConnection::Answer> JetStreamConnection::next_answer() {
  while (const auto message = connection_->next_message())
    if (const auto number = publications_.number_of(message->subject))
      return answer_in(*message, *number);
  return std::nullopt;
}

}  // namespace bpx::bridge
