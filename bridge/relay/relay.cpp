#include "bridge/relay/relay.hpp"

#include <limits>

namespace bpx::bridge {
namespace {

/// Unix µs → Unix ns; 0, for absent, where the result would not fit.
std::int64_t to_ns(std::int64_t microseconds) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 1000;
  return microseconds > kMax || microseconds < -kMax ? 0 : microseconds * 1000;
}

}  // namespace

Relay::Relay(std::uint64_t epoch_us, StreamTable& streams, Publisher& publisher)
    : epoch_us_(epoch_us), streams_(streams), publisher_(publisher) {}

Relayed Relay::accept(std::string_view message, std::int64_t received_ns) {
  Relayed relayed;
  relayed.envelope = reader_.read(message);
  switch (relayed.envelope.kind) {
    case proto::Envelope::Kind::data: break;
    case proto::Envelope::Kind::malformed: return relayed;
    case proto::Envelope::Kind::acknowledgement:
    case proto::Envelope::Kind::error: relayed.outcome = Relayed::Outcome::answer; return relayed;
  }
  auto* stream = streams_.find_or_add(relayed.envelope.stream);
  if (stream == nullptr) {
    relayed.envelope.fault = "its stream's name cannot be carried";
  } else if (!publisher_.serves(stream->audience)) {
    relayed.outcome = Relayed::Outcome::undelivered;
  } else {
    publish(*stream, message, received_ns, relayed);
  }
  return relayed;
}

void Relay::publish(Stream& stream, std::string_view message, std::int64_t received_ns,
                    Relayed& relayed) {
  relayed.outcome = Relayed::Outcome::published;
  relayed.is_first_of_stream = stream.last_connection != connection_;
  stream.last_connection = connection_;
  stream.last_received_ns = received_ns;

  proto::MessageHeader header;
  if (relayed.is_first_of_stream) header.flags = proto::MessageHeader::first_on_connection;
  header.connection = connection_;
  header.epoch_us = epoch_us_;
  header.sequence = ++stream.sequence;
  header.received_ns = received_ns;
  header.event_ns = to_ns(relayed.envelope.event_time_us);
  publisher_.publish(stream.audience, stream.topic, message, header);
}

}  // namespace bpx::bridge
