#include "bridge/relay/order_book.hpp"

#include "proto/decimal.hpp"

#include <algorithm>
#include <compare>
#include <iterator>

namespace bpx::bridge {
namespace {

using proto::compare_decimals;
using proto::PriceLevel;

/// Whether a price comes before another towards the best.
bool is_worse_ask(std::string_view a, std::string_view b) {
  return std::is_gt(compare_decimals(a, b));
}
bool is_worse_bid(std::string_view a, std::string_view b) {
  return std::is_lt(compare_decimals(a, b));
}

template <typename Levels, typename IsWorse>
Levels sorted(const std::vector<PriceLevel>& from, IsWorse is_worse) {
  auto order = from;
  std::ranges::stable_sort(order, is_worse, &PriceLevel::price);
  Levels levels;
  levels.reserve(order.size());
  for (const auto& [price, quantity] : order) {
    if (!levels.empty() && std::is_eq(compare_decimals(levels.back().price, price)))
      levels.pop_back();
    if (!proto::is_zero(quantity))
      levels.push_back({.price = std::string(price), .quantity = std::string(quantity)});
  }
  return levels;
}

/// Returns false where the side is full.
template <typename Levels, typename IsWorse>
bool set(Levels& levels, const PriceLevel& change, IsWorse is_worse) {
  const auto at =
      std::ranges::lower_bound(levels, change.price, is_worse,
                               [](const auto& level) -> std::string_view { return level.price; });
  const bool is_there = at != levels.end() && std::is_eq(compare_decimals(at->price, change.price));
  if (proto::is_zero(change.quantity)) {
    if (is_there) levels.erase(at);
  } else if (is_there) {
    at->price.assign(change.price);
    at->quantity.assign(change.quantity);
  } else {
    if (levels.size() == OrderBook::kMaxLevels) return false;
    levels.insert(at,
                  {.price = std::string(change.price), .quantity = std::string(change.quantity)});
  }
  return true;
}

template <typename Iterator>
void append_levels(std::string& out, Iterator begin, Iterator end) {
  out += '[';
  for (auto level = begin; level != end; ++level) {
    if (level != begin) out += ',';
    out.append(R"([")")
        .append(level->price)
        .append(R"(",")")
        .append(level->quantity)
        .append(R"("])");
  }
  out += ']';
}

}  // namespace

OrderBook::OrderBook(const proto::DepthSnapshot& snapshot)
    : asks_(sorted<Levels>(snapshot.asks, is_worse_ask)),
      bids_(sorted<Levels>(snapshot.bids, is_worse_bid)) {}

bool OrderBook::apply(const proto::DepthUpdate& update) {
  return std::ranges::all_of(update.asks,
                             [&](const auto& ask) { return set(asks_, ask, is_worse_ask); }) &&
         std::ranges::all_of(update.bids,
                             [&](const auto& bid) { return set(bids_, bid, is_worse_bid); });
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
  append_levels(out, asks_.rbegin(), asks_.rend());
  out += R"(,"bids":)";
  append_levels(out, bids_.begin(), bids_.end());
  out.append(R"(,"lastUpdateId":")").append(std::to_string(last_update_id));
  out.append(R"(","timestamp":)").append(std::to_string(timestamp_us)).append("}");
}

}  // namespace bpx::bridge
