#include "bridge/relay/order_book.hpp"

#include "proto/decimal.hpp"

#include <algorithm>
#include <compare>
#include <iterator>
#include <utility>

namespace bpx::bridge {

namespace {

template <typename Levels>
void append_levels(std::string& out, const Levels& levels) {
  out += '[';
  bool is_first = true;
  for (const auto& [price, quantity] : levels) {
    if (!std::exchange(is_first, false)) out += ',';
    out.append(R"([")").append(price).append(R"(",")").append(quantity).append(R"("])");
  }
  out += ']';
}

}  // namespace

using proto::PriceLevel;

bool OrderBook::ByValue::operator()(std::string_view a, std::string_view b) const {
  return std::is_lt(proto::compare_decimals(a, b));
}

/// One level too many tells as much as a million, and takes less.
OrderBook::OrderBook(const proto::DepthSnapshot& snapshot)
    : ask_horizon_(snapshot.ask_horizon), bid_horizon_(snapshot.bid_horizon) {
  set_all(snapshot.asks, snapshot.bids, kMaxLevels + 1);
}

bool OrderBook::apply(const proto::DepthUpdate& update) {
  return set_all(update.asks, update.bids, kMaxLevels);
}

void OrderBook::cut_at(std::size_t levels) {
  if (asks_.size() >= levels) ask_horizon_ = asks_.rbegin()->first;
  if (bids_.size() >= levels) bid_horizon_ = bids_.begin()->first;
}

bool OrderBook::is_known_ask(std::string_view price) const {
  return !ask_horizon_ || std::is_lteq(proto::compare_decimals(price, *ask_horizon_));
}

bool OrderBook::is_known_bid(std::string_view price) const {
  return !bid_horizon_ || std::is_gteq(proto::compare_decimals(price, *bid_horizon_));
}

bool OrderBook::set_all(const std::vector<PriceLevel>& asks, const std::vector<PriceLevel>& bids,
                        std::size_t max_levels) {
  return std::ranges::all_of(asks,
                             [&](const auto& ask) {
                               return !is_known_ask(ask.price) || set(asks_, ask, max_levels);
                             }) &&
         std::ranges::all_of(bids, [&](const auto& bid) {
           return !is_known_bid(bid.price) || set(bids_, bid, max_levels);
         });
}

/// Returns false where the side is full.
bool OrderBook::set(Levels& levels, const PriceLevel& change, std::size_t max_levels) {
  const auto at = levels.lower_bound(change.price);
  const bool is_there =
      at != levels.end() && std::is_eq(proto::compare_decimals(at->first, change.price));
  if (proto::is_zero(change.quantity)) {
    if (is_there) remove(levels, at);
  } else if (!is_there) {
    if (levels.size() == max_levels) return false;
    insert(levels, at, change);
  } else if (at->first == change.price) {
    at->second.assign(change.quantity);
  } else {  // the same price, written in another way
    const auto before = std::next(at);
    remove(levels, at);
    insert(levels, before, change);
  }
  return true;
}

void OrderBook::insert(Levels& levels, Levels::iterator before, const PriceLevel& level) {
  if (spare_.empty()) {
    levels.emplace_hint(before, level.price, level.quantity);
    return;
  }
  auto node = std::move(spare_.back());
  spare_.pop_back();
  node.key().assign(level.price);
  node.mapped().assign(level.quantity);
  levels.insert(before, std::move(node));
}

void OrderBook::remove(Levels& levels, Levels::iterator level) {
  auto node = levels.extract(level);
  if (spare_.size() < kMaxSpare) spare_.push_back(std::move(node));
}

bool OrderBook::is_too_large() const {
  return asks_.size() > kMaxLevels || bids_.size() > kMaxLevels;
}

bool OrderBook::runs_short(std::size_t levels) const {
  return (ask_horizon_ && asks_.size() < levels) || (bid_horizon_ && bids_.size() < levels);
}

void OrderBook::clear() {
  asks_.clear();
  bids_.clear();
  ask_horizon_.reset();
  bid_horizon_.reset();
}

void OrderBook::append_json(std::string& out, std::uint64_t last_update_id,
                            std::int64_t timestamp_us) const {
  out += R"({"asks":)";
  append_levels(out, asks_);
  out += R"(,"bids":)";
  append_levels(out, bids_);
  out.append(R"(,"lastUpdateId":")").append(std::to_string(last_update_id));
  out.append(R"(","timestamp":)").append(std::to_string(timestamp_us));
  append_horizon(out);
  out += '}';
}

void OrderBook::append_horizon(std::string& out) const {
  if (!ask_horizon_ && !bid_horizon_) return;
  out += R"(,"horizon":{)";
  if (ask_horizon_) out.append(R"("asks":")").append(*ask_horizon_).append("\"");
  if (ask_horizon_ && bid_horizon_) out += ',';
  if (bid_horizon_) out.append(R"("bids":")").append(*bid_horizon_).append("\"");
  out += '}';
}

}  // namespace bpx::bridge
