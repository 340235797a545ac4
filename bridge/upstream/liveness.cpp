#include "bridge/upstream/liveness.hpp"

#include <algorithm>

namespace bpx::bridge {

void Liveness::pinged(TimePoint received, TimePoint now) {
  if (unanswered_ <= received) unanswered_ = now;
  last_ping_ = now;
}

Liveness::TimePoint Liveness::ping_due(const Heard& heard) const {
  auto due = last_ping_ + options_.ping_interval;
  const auto doubtful_from = [&](TimePoint time) {
    if (last_ping_ < time) due = std::min(due, time);
  };
  doubtful_from(heard.anything + options_.idle_timeout / 2);
  if (expects_data_) doubtful_from(heard.data + options_.data_timeout / 2);
  return due;
}

Liveness::End Liveness::end(const Heard& heard, TimePoint now) const {
  const auto asked = unanswered_ > heard.anything ? unanswered_ : now;
  const End idle{
      std::max(heard.anything + options_.idle_timeout, asked + options_.idle_timeout / 2),
      DisconnectReason::idle};
  const bool is_heard = heard.anything >= heard.data + options_.data_timeout / 2;
  const End mute{heard.data + options_.data_timeout, DisconnectReason::mute};
  return expects_data_ && is_heard && mute.at < idle.at ? mute : idle;
}

}  // namespace bpx::bridge
