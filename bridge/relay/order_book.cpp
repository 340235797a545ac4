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
OrderBook::OrderBook(const proto::DepthSnapshot& snapshot) {
  set_all(snapshot.asks, snapshot.bids, kMaxLevels + 1);
}

bool OrderBook::apply(const proto::DepthUpdate& update) {
  return set_all(update.asks, update.bids, kMaxLevels);
}

bool OrderBook::set_all(const std::vector<PriceLevel>& asks, const std::vector<PriceLevel>& bids,
                        std::size_t max_levels) {
  return std::ranges::all_of(asks, [&](const auto& ask) { return set(asks_, ask, max_levels); }) &&
         std::ranges::all_of(bids, [&](const auto& bid) { return set(bids_, bid, max_levels); });
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

void OrderBook::clear() {
  asks_.clear();
  bids_.clear();
}

void OrderBook::append_json(std::string& out, std::uint64_t last_update_id,
                            std::int64_t timestamp_us) const {
  out += R"({"asks":)";
  append_levels(out, asks_);
  out += R"(,"bids":)";
  append_levels(out, bids_);
  out.append(R"(,"lastUpdateId":")").append(std::to_string(last_update_id));
  out.append(R"(","timestamp":)").append(std::to_string(timestamp_us)).append("}");
}

}  // namespace bpx::bridge
