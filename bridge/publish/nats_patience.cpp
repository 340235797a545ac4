#include "bridge/publish/nats_patience.hpp"

#include <algorithm>

namespace bpx::bridge {

using std::chrono::milliseconds;

milliseconds NatsPatience::slice() const {
  constexpr milliseconds kShortest{1};
  constexpr milliseconds kLongest{50};
  return std::clamp(std::chrono::ceil<milliseconds>(deadline_ - Clock::now()), kShortest, kLongest);
}

NatsPatience NatsPatience::part(std::size_t parts) const {
  return {(deadline_ - Clock::now()) / static_cast<Clock::rep>(parts), is_over_};
}

}  // namespace bpx::bridge
