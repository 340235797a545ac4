#include "bridge/upstream/idleness.hpp"

#include <algorithm>

namespace bpx::bridge {

void Idleness::pinged(TimePoint received, TimePoint now) {
  if (unanswered_ <= received) unanswered_ = now;
  last_ping_ = now;
}

Idleness::TimePoint Idleness::ping_due(TimePoint received) const {
  const auto measuring = last_ping_ + ping_interval_;
  const auto doubtful = received + timeout_ / 2;
  return last_ping_ < doubtful ? std::min(measuring, doubtful) : measuring;
}

Idleness::TimePoint Idleness::end(TimePoint received, TimePoint now) const {
  const auto asked = unanswered_ > received ? unanswered_ : now;
  return std::max(received + timeout_, asked + timeout_ / 2);
}

}  // namespace bpx::bridge
