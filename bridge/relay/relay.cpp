#include "bridge/relay/relay.hpp"

#include "bridge/clock.hpp"
#include "bridge/relay/book.hpp"

#include <limits>
#include <utility>

namespace bpx::bridge {
namespace {

/// Unix µs → Unix ns; 0, for absent, where the result would not fit.
std::int64_t to_ns(std::int64_t microseconds) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / 1000;
  return microseconds > kMax || microseconds < -kMax ? 0 : microseconds * 1000;
}

/// Where `message` is as the exchange writes them, the stream's name is the last string in it.
std::string_view likely_stream_of(std::string_view message) {
  constexpr std::string_view kEnd = "\"}";
  if (!message.ends_with(kEnd)) return {};
  message.remove_suffix(kEnd.size());
  return message.substr(message.rfind('"') + 1);
}

}  // namespace

Relay::Relay(std::uint64_t epoch_us, StreamTable& streams, Publisher& publisher,
             Measurements& measurements, Canary canary)
    : epoch_us_(epoch_us),
      streams_(streams),
      publisher_(publisher),
      measurements_(measurements),
      canary_(std::move(canary)) {}

void Relay::note_state(std::string_view name, std::optional<StreamState> state) {
  auto* const stream = streams_.find(name);
  if (stream == nullptr) return;
  // Its next message is the first; of what nobody wants any more that holds for the canary alone,
  // as others go on until the exchange obeys.
  if (state ? state != StreamState::live : name == canary_.name) stream->last_connection = 0;
  if (stream->book == nullptr) return;
  if (state == StreamState::requested || state == StreamState::live)
    stream->book->on_subscribed();
  else
    stream->book->on_unsubscribed(state ? BookLoss::disconnected : BookLoss::unsubscribed);
}

void Relay::foresee(std::string_view message) {
  after_next_ = streams_.foresee(likely_stream_of(message));
}

Stream* Relay::find_or_add(std::string_view name) {
  if (foreseen_ != nullptr && foreseen_->name() == name) return foreseen_;
  return streams_.find_or_add(name);
}

Relayed Relay::accept(std::string_view message, const Moment& received) {
  foreseen_ = std::exchange(next_, std::exchange(after_next_, nullptr));
  Relayed relayed{.envelope = reader_.read(message)};
  switch (relayed.envelope.kind) {
    case proto::Envelope::Kind::data: break;
    case proto::Envelope::Kind::malformed: measurements_.upstream.malformed.add(); return relayed;
    case proto::Envelope::Kind::acknowledgement:
    case proto::Envelope::Kind::error: relayed.outcome = Relayed::Outcome::answer; return relayed;
  }
  if (relayed.envelope.stream == canary_.name && !canary_.is_wanted()) {
    relayed.outcome = Relayed::Outcome::canary;
    measurements_.canary.messages.add();
    measurements_.canary.bytes.add(message.size());
    return relayed;
  }
  auto* const stream = find_or_add(relayed.envelope.stream);
  if (stream == nullptr) {
    relayed.envelope.fault = streams_.fault_of(relayed.envelope.stream).value_or("");
    measurements_.upstream.malformed.add();
    return relayed;
  }
  stream->history.expect();
  measure(*stream, message, received, relayed);
  if (!is_delivered(*stream)) {
    relayed.outcome = Relayed::Outcome::undelivered;
    return relayed;
  }
  publish(*stream, message, received, relayed);
  return relayed;
}

bool Relay::is_delivered(const Stream& stream) const {
  if (stream.audience == Audience::account && !has_key_) return false;
  return publisher_.serves(stream.audience);
}

void Relay::measure(Stream& stream, std::string_view message, const Moment& received,
                    Relayed& relayed) {
  auto& measurements = *stream.measurements;
  relayed.stream = &measurements;
  measurements.messages.add();
  measurements.bytes.add(message.size());
  measurements.last_received_ns.set(received.unix_ns);
  measurements.last_received_steady_ns.set(received.steady_ns);
  if (const auto event_ns = to_ns(relayed.envelope.event_time_us); event_ns > 0)
    measurements.lag.observe(received.unix_ns - event_ns);
  relayed.is_first_of_stream = std::exchange(stream.last_connection, connection_) != connection_;
  relayed.gap = stream.continuity.follow(relayed.envelope);
  if (!relayed.gap) return;
  measurements.gaps.add();
  measurements.last_gap_ns.set(received.unix_ns);
  measurements.missing.add(relayed.gap->missing());
}

void Relay::publish(Stream& stream, std::string_view message, const Moment& received,
                    Relayed& relayed) {
  relayed.outcome = Relayed::Outcome::published;
  proto::MessageHeader header;
  if (relayed.is_first_of_stream) header.flags |= proto::MessageHeader::first_on_connection;
  if (relayed.gap) header.flags |= proto::MessageHeader::gap_before;
  header.connection = connection_;
  header.epoch_us = epoch_us_;
  header.sequence = ++stream.sequence;
  header.received_ns = received.unix_ns;
  header.event_ns = to_ns(relayed.envelope.event_time_us);
  stream.measurements->published.add();
  header.sent_ns = unix_ns();
  publisher_.publish(stream.audience, stream.topic, message, header);
  // A reading of its own: behind what libzmq took, by the clock that no step moves.
  measurements_.forward.observe(steady_ns() - received.steady_ns);
  if (jetstream_ != nullptr) jetstream_->publish(stream.audience, stream.name(), message, header);
  stream.history.keep(header, message);
  if (stream.book != nullptr) stream.book->on_published(header, message);
  if (next_ != nullptr) next_->expect();
}

}  // namespace bpx::bridge
