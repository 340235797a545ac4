#include "bridge/publish/jetstream_connection.hpp"

#include "bridge/publish/nats_json.hpp"

#include <string_view>
#include <utility>

namespace bpx::bridge {
namespace {

/// Of an error that a message meets, whatever the server's condition. The last one comes with the
/// code of all that a stream cannot store, and holds until older messages of the subject have gone.
bool is_for_good(std::int64_t error_code, std::string_view description) {
  constexpr std::int64_t kMessageTooLong = 10'054;
  constexpr std::int64_t kHeaderTooLong = 10'097;
  return error_code == kMessageTooLong || error_code == kHeaderTooLong ||
         description == "maximum messages per subject exceeded";
}

}  // namespace

JetStreamConnection::JetStreamConnection(std::unique_ptr<NatsConnection> connection,
                                         std::string stream_name, std::string subject_prefix)
    : connection_(std::move(connection)),
      publications_(std::move(subject_prefix), connection_->inbox()),
      stream_name_(std::move(stream_name)),
      stored_(R"({"stream":")" + stream_name_ + R"(", "seq":)") {}

bool JetStreamConnection::send(const JetStreamWindow::Message& message, std::uint64_t number) {
  return publications_.append(connection_->outgoing(), message, number, connection_->max_payload());
}

std::optional<JetStreamConnection::Answer> JetStreamConnection::next_answer() {
  while (const auto said = connection_->next_message()) {
    if (const auto subject = forbidden_subject(*said)) {
      if (const auto stream = publications_.stream_of(*subject))
        return Answer{.kind = Answer::Kind::forbidden,
                      .cause = std::string(said->text),
                      .stream = std::string(*stream)};
    } else if (const auto number = publications_.number_of(said->subject)) {
      if (auto answer = answer_in(*said, *number)) return answer;
    }
  }
  return std::nullopt;
}

/// https://docs.nats.io/nats-concepts/jetstream: `{"stream":"BACKPACK","seq":1}`, or an error.
/// Number 0 is none: of a message whose id the server has seen, and which it has yet to store.
std::optional<JetStreamConnection::Answer> JetStreamConnection::answer_in(
    const NatsOperation& message, std::uint64_t number) const {
  using Kind = Answer::Kind;
  const auto text = message.text;
  if (text.starts_with(stored_) && text.size() > stored_.size() && text[stored_.size()] != '0')
    return Answer{.kind = Kind::stored, .number = number};
  if (is_from_nobody(message))
    return Answer{.kind = Kind::refused,
                  .number = number,
                  .cause = "no stream of JetStream takes the subject now"};
  const auto answer = parse_nats_json(text);
  if (const auto& error = member_of(answer, "error"); !error.is_null()) {
    auto cause = text_in(error, "description", "not understood");
    const bool is_never = is_for_good(number_in(error, "err_code", 0), cause);
    return Answer{.kind = is_never ? Kind::never : Kind::refused,
                  .number = number,
                  .cause = std::move(cause)};
  }
  if (text_in(answer, "stream", "") != stream_name_) return std::nullopt;
  if (number_in(answer, "seq", 0) > 0) return Answer{.kind = Kind::stored, .number = number};
  return Answer{
      .kind = Kind::refused, .number = number, .cause = "it is known already, but not stored yet"};
}

}  // namespace bpx::bridge
