#include "proto/envelope.hpp"

#include "proto/json_members.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace bpx::proto {
namespace {

namespace ondemand = simdjson::ondemand;

/// The event time, ids and counters of `data`. Whatever has another type than expected is passed
/// over.
simdjson::error_code read_data(ondemand::value value, Envelope& envelope) {
  ondemand::object data;
  if (value.get_object().get(data)) return simdjson::SUCCESS;
  return for_each_member(data, [&](std::string_view key, ondemand::value member) {
    if (key.size() != 1) return simdjson::SUCCESS;
    switch (key.front()) {
      case 'E': {
        std::int64_t microseconds = 0;
        envelope.event_time_us = member.get_int64().get(microseconds) ? 0 : microseconds;
        break;
      }
      case 'U': envelope.first_update_id = unsigned_integer(member); break;
      case 'u': envelope.last_update_id = unsigned_integer(member); break;
      case 't': envelope.trade_id = unsigned_integer(member); break;
      default: break;
    }
    return simdjson::SUCCESS;
  });
}

/// `text`, which is valid UTF-8, without what lies beyond the bound; no character is cut through.
std::string_view shortened(std::string_view text) {
  auto size = std::min(text.size(), Envelope::kMaxErrorMessageBytes);
  while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80) --size;
  return text.substr(0, size);
}

simdjson::error_code read_error(ondemand::value value, Envelope& envelope, bool& has_code) {
  ondemand::object error;
  if (value.get_object().get(error)) return simdjson::SUCCESS;
  return for_each_member(error, [&](std::string_view key, ondemand::value member) {
    if (key == "code") {
      std::int64_t code = 0;
      if (member.get_int64().get(code)) return simdjson::SUCCESS;
      envelope.error_code = code;
      has_code = true;
    } else if (key == "message" || key == "msg") {
      std::string_view text;
      if (!member.get_string().get(text)) envelope.error_message = shortened(text);
    }
    return simdjson::SUCCESS;
  });
}

/// Which of the top-level members that decide were there: from these follows the kind.
struct Members {
  bool data = false;
  bool stream = false;
  bool id = false;
  bool result = false;
  bool error = false;
  bool error_is_null = false;
  bool is_any_repeated = false;
  char follows = '\0';  ///< behind the message, if anything does

  void note(bool& member) { is_any_repeated |= std::exchange(member, true); }
};

simdjson::error_code read_members(ondemand::document& document, Envelope& envelope,
                                  Members& members) {
  ondemand::object message;
  if (const auto error = document.get_object().get(message)) return error;
  const auto error = for_each_member(message, [&](std::string_view key, ondemand::value value) {
    if (key == "data") {
      members.note(members.data);
      return read_data(value, envelope);
    }
    if (key == "stream") {
      members.note(members.stream);
      return value.get_string().get(envelope.stream);
    }
    if (key == "id") {
      members.note(members.id);
      envelope.request_id = unsigned_integer(value);
    } else if (key == "result") {
      members.note(members.result);
    } else if (key == "error") {
      members.note(members.error);
      if (const auto fault = value.is_null().get(members.error_is_null)) return fault;
      bool has_code = false;
      return read_error(value, envelope, has_code);
    }
    return simdjson::SUCCESS;
  });
  if (error) return error;
  const char* rest = nullptr;  // succeeds only where something follows the object
  if (!document.current_location().get(rest)) members.follows = *rest;
  return simdjson::SUCCESS;
}

/// Whether `data`, of a message without `stream`, is an error: an object with a `code`.
bool is_error_in_data(ondemand::document& document, Envelope& envelope) {
  bool has_code = false;
  ondemand::object message;
  if (document.get_object().get(message)) return false;
  const auto error = for_each_member(message, [&](std::string_view key, ondemand::value value) {
    return key == "data" ? read_error(value, envelope, has_code) : simdjson::SUCCESS;
  });
  return !error && has_code;
}

bool starts_with_bracket(std::string_view message) {
  const auto begin = message.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && message[begin] == '[';
}

}  // namespace

struct EnvelopeReader::Parser {
  ondemand::parser ondemand;
};

static_assert(EnvelopeReader::kPadding >= simdjson::SIMDJSON_PADDING);

EnvelopeReader::EnvelopeReader() : parser_(std::make_unique<Parser>()) {
  constexpr std::size_t kLongerThanMost = 4'096;
  fault_of_text(parser_->ondemand.allocate(kLongerThanMost));
}
EnvelopeReader::~EnvelopeReader() = default;
EnvelopeReader::EnvelopeReader(EnvelopeReader&&) noexcept = default;
EnvelopeReader& EnvelopeReader::operator=(EnvelopeReader&&) noexcept = default;

Envelope EnvelopeReader::read(std::string_view message) {
  Envelope envelope;  // the caller's own: it is not copied
  const auto fault = judge(message, envelope);
  if (fault.empty()) return envelope;
  envelope = {};
  envelope.fault = fault;
  return envelope;
}

/// What is wrong with `message`; empty where its envelope's kind is known now.
std::string_view EnvelopeReader::judge(std::string_view message, Envelope& envelope) {
  Members members;
  ondemand::document document;
  const auto iterate = [&] {
    return parser_->ondemand.iterate(message.data(), message.size(), message.size() + kPadding)
        .get(document);
  };
  auto error = fault_of_text(iterate());
  if (!error) error = read_members(document, envelope, members);
  if (error && starts_with_bracket(message))
    return "it is an array, which may hold several messages";
  if (error) return simdjson::error_message(error);
  if (members.follows == '{') return "several messages came in one";
  if (members.follows != '\0') return "something follows the message";

  if (members.is_any_repeated) return "a member that decides stands in it twice";
  if (members.stream && envelope.stream.empty()) return "its stream has no name";
  if (members.stream && members.data) {
    envelope.kind = Envelope::Kind::data;
  } else if (members.error && !members.error_is_null) {
    envelope.kind = Envelope::Kind::error;
  } else if (members.id && members.result) {
    envelope.kind = Envelope::Kind::acknowledgement;
  } else if (members.data && !members.stream && !members.error && !iterate() &&
             is_error_in_data(document, envelope)) {
    envelope.kind = Envelope::Kind::error;
  } else {
    return "it is neither data nor an answer";
  }
  return {};
}

}  // namespace bpx::proto
