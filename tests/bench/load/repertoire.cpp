#include "tests/bench/load/repertoire.hpp"

#include <algorithm>

namespace bpx::bench {
namespace {

/// How often a stream is said for each time that the rarest kind is.
std::size_t share_of(const std::string& stream) {
  if (stream.starts_with("depth.")) return 6;
  return stream.starts_with("bookTicker.") ? 2 : 1;
}

}  // namespace

void Repertoire::add(const std::string& stream) {
  if (by_name_.contains(stream)) return;
  auto& added = streams_.emplace_back(Stream{.frame = Frame(message_of(stream))});
  by_name_.emplace(stream, &added);
  order_.insert(order_.end(), share_of(stream), &added);
  if (!large_ && stream.starts_with("depth."))
    large_ = Large{&added, Frame(message_of(stream, kMediumLevels)),
                   Frame(message_of(stream, kLargeLevels))};
}

const Frame& Repertoire::next(const Stamp& stamp) {
  ++said_;
  if (large_ && said_ % kEachLarge == 0) return say(*large_->stream, large_->large, stamp);
  if (large_ && said_ % kEachMedium == 0) return say(*large_->stream, large_->medium, stamp);
  if (turn_ >= order_.size()) {
    turn_ = 0;
    std::shuffle(order_.begin(), order_.end(), random_);
  }
  auto& stream = *order_[turn_++];
  return say(stream, stream.frame, stamp);
}

const Frame& Repertoire::next_of(const std::string& stream, const Stamp& stamp) {
  auto& found = *by_name_.at(stream);
  return say(found, found.frame, stamp);
}

const Frame& Repertoire::say(Stream& stream, Frame& frame, const Stamp& stamp) {
  frame.stamp(stamp, stream.said++);
  return frame;
}

}  // namespace bpx::bench
