#include "tests/exchange/depth_aggregator.hpp"

#include "tests/exchange/market_frames.hpp"

#include <algorithm>
#include <tuple>

namespace bpx::exchange {

namespace {

/// As many touched prices as are kept before repetitions are dropped for the first time.
constexpr std::size_t kCrowded = 1'024;

auto place(const LevelChange& change) { return std::tuple(change.side, change.price); }

}  // namespace

DepthAggregator::DepthAggregator(const DepthInterval& interval, const std::string& symbol,
                                 UpdateId update_id, std::int64_t now_us)
    : cadence_(interval.period_us, now_us), last_update_(update_id), crowded_(kCrowded) {
  stream_.append("depth.").append(interval.name).append(".").append(symbol);
}

void DepthAggregator::note(std::span<const LevelChange> changes) {
  touched_.insert(touched_.end(), changes.begin(), changes.end());
  if (touched_.size() < crowded_) return;
  drop_repetitions();
  crowded_ = std::max(kCrowded, 2 * touched_.size());
}

void DepthAggregator::publish_if_due(const Instrument& instrument, const OrderBook& book,
                                     Stamp stamp, std::vector<Frame>& out) {
  if (!cadence_.due(stamp.event_us) || touched_.empty()) return;
  drop_repetitions();
  for (LevelChange& change : touched_) {
    const Level* level = book.find(change.side, change.price);
    change.quantity = level == nullptr ? 0 : level->quantity;
  }
  out.push_back(
      {stream_, depth_text(instrument, stamp, last_update_ + 1, book.update_id(), touched_)});
  last_update_ = book.update_id();
  touched_.clear();
}

void DepthAggregator::drop_repetitions() {
  std::sort(touched_.begin(), touched_.end(),
            [](const LevelChange& a, const LevelChange& b) { return place(a) < place(b); });
  const auto repeated =
      std::unique(touched_.begin(), touched_.end(),
                  [](const LevelChange& a, const LevelChange& b) { return place(a) == place(b); });
  touched_.erase(repeated, touched_.end());
}

}  // namespace bpx::exchange
