// Every message of the exchange. Where it is JSON, another library must read the same from it.
#include "proto/envelope.hpp"

#include "tests/fuzz/envelope_oracle.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

namespace {

using bpx::fuzz::EnvelopeOracle;
using bpx::fuzz::require;
using bpx::proto::Envelope;
using bpx::proto::EnvelopeReader;

struct Reading {
  Reading(EnvelopeReader& reader, std::string_view message, char padding) : text(message) {
    text.append(EnvelopeReader::kPadding, padding);
    envelope = reader.read(std::string_view(text).substr(0, message.size()));
  }

  std::string text;
  Envelope envelope;
};

void require_same(const Envelope& a, const Envelope& b) {
  require(a.kind == b.kind && a.stream == b.stream && a.event_time_us == b.event_time_us &&
              a.first_update_id == b.first_update_id && a.last_update_id == b.last_update_id &&
              a.trade_id == b.trade_id && a.request_id == b.request_id &&
              a.error_code == b.error_code && a.error_message == b.error_message,
          "what lies behind a message does not matter");
}

void require_agreement(const Envelope& envelope, const EnvelopeOracle& oracle) {
  require(envelope.kind == oracle.kind(), "the kind is the same by another reader");
  if (envelope.kind != Envelope::Kind::data) return;
  require(envelope.stream == oracle.stream(), "the stream is the same by another reader");
  require(envelope.event_time_us == oracle.event_time_us(), "E is the same by another reader");
  require(envelope.first_update_id == oracle.first_update_id(), "U is the same by another reader");
  require(envelope.last_update_id == oracle.last_update_id(), "u is the same by another reader");
  require(envelope.trade_id == oracle.trade_id(), "t is the same by another reader");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto message = bpx::fuzz::text_of(bytes, size);
  static EnvelopeReader reader, another;
  const Reading reading(reader, message, '\0');
  const Reading other(another, message, '"');
  const auto& envelope = reading.envelope;
  require_same(envelope, other.envelope);
  require(envelope.kind != Envelope::Kind::data || !envelope.stream.empty(), "a stream has a name");
  require(envelope.kind != Envelope::Kind::malformed || !envelope.fault.empty(),
          "what is malformed has a fault");

  if (const auto oracle = EnvelopeOracle::read(message)) require_agreement(envelope, *oracle);
  return 0;
}
