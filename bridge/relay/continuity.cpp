#include "bridge/relay/continuity.hpp"

#include <utility>

namespace bpx::bridge {

std::optional<Gap> Continuity::follow(const proto::Envelope& envelope) {
  const bool counts_trades = numbering_ == proto::Numbering::trades;
  const auto& first = counts_trades ? envelope.trade_id : envelope.first_update_id;
  const auto& last = counts_trades ? envelope.trade_id : envelope.last_update_id;
  if (numbering_ == proto::Numbering::none || !first || !last) return std::nullopt;
  const auto after = *last + 1;
  // One that is old is a repetition; a second that goes on from it, another beginning.
  const bool is_old = next_ && after < *next_;
  if (is_old && std::exchange(old_, after) != *first) return std::nullopt;
  old_.reset();
  const auto expected = std::exchange(next_, after);
  const bool follows = !expected || *first <= *expected || after == *expected;
  if (follows && !is_old) return std::nullopt;
  return Gap{.expected = *expected, .got = *first};
}

}  // namespace bpx::bridge
