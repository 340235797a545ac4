#include "bridge/relay/continuity.hpp"

#include <algorithm>
#include <utility>

namespace bpx::bridge {
namespace {

/// What the exchange gives as a trade's id where there is none.
constexpr std::uint64_t kNoTrade = 0;

}  // namespace

std::optional<Gap> Continuity::follow(const proto::Envelope& envelope) {
  const bool counts_trades = numbering_ == proto::Numbering::trades;
  const auto& first = counts_trades ? envelope.trade_id : envelope.first_update_id;
  const auto& last = counts_trades ? envelope.trade_id : envelope.last_update_id;
  if (numbering_ == proto::Numbering::none || !first || !last) return std::nullopt;
  if (counts_trades && *first == kNoTrade) return std::nullopt;
  const auto after = *last + 1;
  // One that is old is a repetition, unless it is an event that came later than all others; a
  // second that goes on from it is another beginning, too.
  const bool is_old = next_ && after < *next_;
  const auto newest_us = std::exchange(newest_us_, std::max(newest_us_, envelope.event_time_us));
  const bool is_news = newest_us != 0 && envelope.event_time_us > newest_us;
  if (is_old && std::exchange(old_, after) != *first && !is_news) return std::nullopt;
  old_.reset();
  const auto left = std::exchange(left_, is_old ? next_ : std::nullopt);
  const auto expected = std::exchange(next_, after);
  const bool follows = !expected || *first <= *expected || after == *expected || left == *first;
  if (follows && !is_old) return std::nullopt;
  return Gap{.expected = *expected, .got = *first};
}

}  // namespace bpx::bridge
