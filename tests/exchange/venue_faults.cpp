// What each fault does to the exchange.
#include "tests/exchange/venue.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace bpx::exchange {
namespace {

using Clock = Connection::Clock;

Clock::time_point end_of(std::chrono::milliseconds duration) {
  return duration == fault::kForGood ? Clock::time_point::max() : Clock::now() + duration;
}

SharedMessage message(std::string stream, std::string text) {
  return std::make_shared<const Message>(
      Message{.stream = std::move(stream), .text = std::move(text)});
}

}  // namespace

void Venue::apply(const Fault& fault) {
  std::visit([this](const auto& kind) { inflict(kind); }, fault);
}

void Venue::inflict(const fault::Drop& drop) {
  for (const auto& [number, connection] : connections_) connection->drop(drop.reset);
}

void Venue::inflict(const fault::Close& close) {
  for (const auto& [number, connection] : connections_) {
    connection->close(close.code, close.reason);
  }
}

void Venue::inflict(const fault::Silent& silent) {
  for (const auto& [number, connection] : connections_) {
    connection->fall_silent(end_of(silent.duration));
  }
}

void Venue::inflict(const fault::Deaf& deaf) {
  for (const auto& [number, connection] : connections_) {
    connection->transport().deafen(end_of(deaf.duration));
    if (deaf.mute) connection->fall_silent(end_of(deaf.duration));
  }
}

void Venue::inflict(const fault::SkipIds& skip) { channels_.skip(skip.stream, skip.count); }

void Venue::inflict(const fault::Repeat& repeat) {
  const SharedMessage last = channels_.last(repeat.stream);
  if (!last) return;
  for (std::size_t sent = 0; sent < repeat.count; ++sent) {
    for (Connection* connection : channels_.subscribers(last->stream)) connection->send(last);
  }
}

void Venue::inflict(const fault::Garbage& garbage) {
  const auto nonsense = message({}, garbage.text);
  for (const auto& [number, connection] : connections_) {
    switch (garbage.layer) {
      case fault::Garbage::Layer::text: connection->send(nonsense); break;
      case fault::Garbage::Layer::binary: connection->send_binary(nonsense); break;
      case fault::Garbage::Layer::bytes: connection->send_unframed(nonsense); break;
    }
  }
}

void Venue::inflict(const fault::Huge& huge) {
  Frame frame{.stream = huge.stream, .data = R"({"padding":""})"};
  const std::size_t size = envelope(frame, options_.quirks.stream_first)->text.size();
  const std::size_t padding = huge.bytes - std::min(huge.bytes, size);
  frame.data.insert(frame.data.size() - 2, padding, 'x');
  broadcast(envelope(frame, options_.quirks.stream_first));
}

void Venue::inflict(const fault::Slow& slow) {
  for (const auto& [number, connection] : connections_) {
    connection->transport().trickle(slow.per_byte, end_of(slow.duration));
  }
}

void Venue::inflict(const fault::Refuse& refusal) { listener_.refuse(end_of(refusal.duration)); }

void Venue::inflict(const fault::Certificate& certificate) {
  if (credentials_) credentials_->present(certificate.kind);
}

void Venue::inflict(const fault::TlsVersion& version) {
  if (credentials_) credentials_->offer(version.kind);
}

void Venue::inflict(const fault::Renegotiate&) {
  for (const auto& [number, connection] : connections_) connection->transport().renegotiate();
  inflict(fault::Garbage{.text = {}, .layer = fault::Garbage::Layer::bytes});
}

void Venue::inflict(const fault::Answer& answer) {
  (answer.to == fault::Answer::To::upgrade ? upgrade_answer_ : rest_answer_) = answer.bytes;
}

void Venue::inflict(const fault::IgnoreRequests& ignore) { requests_to_ignore_ = ignore.count; }

void Venue::inflict(const fault::MuteStream& mute) { channels_.mute(mute.stream); }

void Venue::inflict(const fault::List& list) { listed_.insert(list.stream); }

void Venue::inflict(const fault::RejectSignatures& reject) { desk_.reject_signatures(reject.on); }

void Venue::inflict(const fault::ShiftClock& shift) { clock_.shift(shift.offset); }

void Venue::inflict(const fault::Unsolicited& unsolicited) {
  broadcast(envelope({.stream = unsolicited.stream, .data = unsolicited.data},
                     options_.quirks.stream_first));
}

void Venue::inflict(const fault::Error& error) {
  broadcast(error_message("null", error.code, error.message));
}

void Venue::inflict(const fault::Shutdown&) {
  constexpr std::uint16_t kGoingAway = 1001;
  inflict(fault::Close{.code = kGoingAway, .reason = "Server shutting down"});
}

void Venue::inflict(const fault::Rate& rate) {
  if (!player_) return;
  replay_awaits_subscription_ = false;
  player_->set_rate(rate.per_second, rate.messages);
}

void Venue::inflict(const fault::Heal&) {
  listener_.accept_again();
  if (credentials_) {
    credentials_->present(fault::Certificate::Kind::good);
    credentials_->offer(fault::TlsVersion::Kind::current);
  }
  upgrade_answer_.clear();
  rest_answer_.clear();
  clock_.shift({});
  desk_.reject_signatures(false);
  requests_to_ignore_ = 0;
  channels_.skip_nothing();
  for (const auto& [number, connection] : connections_) {
    connection->fall_silent(Clock::time_point::min());
    connection->transport().deafen(Clock::time_point::min());
    connection->transport().trickle({}, Clock::time_point::min());
  }
}

}  // namespace bpx::exchange
