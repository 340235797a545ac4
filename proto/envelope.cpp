#include "proto/envelope.hpp"

#include <simdjson.h>

namespace bpx::proto {
namespace {

namespace ondemand = simdjson::ondemand;

/// Calls `on_member(key, value)` for each member of `object`; key and value in document order.
template <typename OnMember>
simdjson::error_code for_each_member(ondemand::object object, OnMember&& on_member) {
  for (auto field : object) {
    std::string_view key;
    if (const auto error = field.unescaped_key().get(key)) return error;
    if (const auto error = on_member(key, field.value())) return error;
  }
  return simdjson::SUCCESS;
}

std::optional<std::uint64_t> unsigned_integer(ondemand::value value) {
  std::uint64_t number = 0;
  if (value.get_uint64().get(number)) return std::nullopt;
  return number;
}

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
        if (!member.get_int64().get(microseconds)) envelope.event_time_us = microseconds;
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

simdjson::error_code read_error(ondemand::value value, Envelope& envelope) {
  ondemand::object error;
  if (value.get_object().get(error)) return simdjson::SUCCESS;
  return for_each_member(error, [&](std::string_view key, ondemand::value member) {
    if (key == "code") {
      std::int64_t code = 0;
      if (!member.get_int64().get(code)) envelope.error_code = code;
    } else if (key == "message") {
      std::string_view text;
      if (!member.get_string().get(text)) envelope.error_message = text;
    }
    return simdjson::SUCCESS;
  });
}

/// Which top-level members were there: from these follows the kind.
struct Members {
  int stream = 0;
  bool data = false;
  bool id = false;
  bool result = false;
  bool error = false;
};

simdjson::error_code read_members(ondemand::document& document, Envelope& envelope,
                                  Members& members) {
  ondemand::object message;
  if (const auto error = document.get_object().get(message)) return error;
  const auto error = for_each_member(message, [&](std::string_view key, ondemand::value value) {
    if (key == "data") {
      members.data = true;
      return read_data(value, envelope);
    }
    if (key == "stream") {
      ++members.stream;
      return value.get_string().get(envelope.stream);
    }
    if (key == "id") {
      members.id = true;
      envelope.request_id = unsigned_integer(value);
    } else if (key == "result") {
      members.result = true;
    } else if (key == "error") {
      bool is_null = false;
      if (const auto fault = value.is_null().get(is_null)) return fault;
      members.error = !is_null;
      return read_error(value, envelope);
    }
    return simdjson::SUCCESS;
  });
  if (error) return error;
  const char* rest = nullptr;  // succeeds only where something follows the object
  return document.current_location().get(rest) ? simdjson::SUCCESS : simdjson::TAPE_ERROR;
}

Envelope malformed(std::string_view fault) {
  Envelope envelope;
  envelope.fault = fault;
  return envelope;
}

}  // namespace

struct EnvelopeReader::Parser {
  ondemand::parser ondemand;
};

static_assert(EnvelopeReader::kPadding >= simdjson::SIMDJSON_PADDING);

EnvelopeReader::EnvelopeReader() : parser_(std::make_unique<Parser>()) {}
EnvelopeReader::~EnvelopeReader() = default;
EnvelopeReader::EnvelopeReader(EnvelopeReader&&) noexcept = default;
EnvelopeReader& EnvelopeReader::operator=(EnvelopeReader&&) noexcept = default;

Envelope EnvelopeReader::read(std::string_view message) {
  Envelope envelope;
  Members members;
  ondemand::document document;
  auto error = parser_->ondemand.iterate(message.data(), message.size(), message.size() + kPadding)
                   .get(document);
  if (!error) error = read_members(document, envelope, members);
  if (error) return malformed(simdjson::error_message(error));

  if (members.stream > 1) return malformed("it names its stream twice");
  if (members.stream == 1 && envelope.stream.empty()) return malformed("its stream has no name");
  if (members.stream == 1 && members.data) {
    envelope.kind = Envelope::Kind::data;
  } else if (members.error) {
    envelope.kind = Envelope::Kind::error;
  } else if (members.id && members.result) {
    envelope.kind = Envelope::Kind::acknowledgement;
  } else {
    return malformed("it is neither data nor an answer");
  }
  return envelope;
}

}  // namespace bpx::proto
