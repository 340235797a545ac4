#pragma once

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace bpx::test {

/// An order book as a consumer keeps it, in the plainest way there is: shares nothing with the
/// bridge's. Good for markets that write all prices with the same number of decimals. Where a side
/// has a horizon, nothing is known beyond it.
class ReferenceBook {
 public:
  ReferenceBook() = default;

  /// From the JSON of a REST depth, or of the bridge's answer, which has the same shape.
  explicit ReferenceBook(std::string_view depth) {
    const auto json = nlohmann::json::parse(depth);
    const auto horizon = json.value("horizon", nlohmann::json::object());
    highest_ask_ = horizon.value("asks", "");
    lowest_bid_ = horizon.value("bids", "");
    set(asks_, json.at("asks"));
    set(bids_, json.at("bids"));
    update_id_ = std::stoull(json.at("lastUpdateId").get<std::string>());
  }

  /// A message of a depth stream, if it tells anything new; a side that it lacks has not changed.
  /// Returns whether it follows what is known: if not, something is missing.
  bool apply(std::string_view message) {
    const auto data = nlohmann::json::parse(message).at("data");
    const auto last = data.at("u").get<std::uint64_t>();
    if (last <= update_id_) return true;
    const bool follows = data.at("U").get<std::uint64_t>() <= update_id_ + 1;
    set(asks_, data.value("a", nlohmann::json()));
    set(bids_, data.value("b", nlohmann::json()));
    update_id_ = last;
    return follows;
  }

  /// Of the last change.
  std::uint64_t update_id() const { return update_id_; }

  /// Whether so few levels are left of a side that has a horizon.
  bool runs_short(std::size_t levels) const {
    return (!highest_ask_.empty() && asks_.size() < levels) ||
           (!lowest_bid_.empty() && bids_.size() < levels);
  }

  /// Whether the best price of a side is beyond a horizon of `other`.
  bool is_beyond(const ReferenceBook& other) const {
    return (!asks_.empty() && !other.knows(other.asks_, asks_.begin()->first)) ||
           (!bids_.empty() && !other.knows(other.bids_, bids_.rbegin()->first));
  }

  /// What of this is within the horizons of `other`.
  ReferenceBook as_far_as(const ReferenceBook& other) const {
    auto cut = *this;
    std::erase_if(cut.asks_, [&](const auto& ask) { return !other.knows(other.asks_, ask.first); });
    std::erase_if(cut.bids_, [&](const auto& bid) { return !other.knows(other.bids_, bid.first); });
    return cut;
  }

  /// Both sides by ascending price, and the id.
  std::string text() const { return side(asks_) + side(bids_) + std::to_string(update_id_); }

 private:
  struct ByValue {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
  };
  using Side = std::map<std::string, std::string, ByValue>;

  bool knows(const Side& side, const std::string& price) const {
    if (&side == &asks_) return highest_ask_.empty() || !ByValue{}(highest_ask_, price);
    return lowest_bid_.empty() || !ByValue{}(price, lowest_bid_);
  }

  void set(Side& side, const nlohmann::json& levels) {
    for (const auto& level : levels) {
      const auto price = level.at(0).get<std::string>();
      if (!knows(side, price)) continue;
      const auto quantity = level.at(1).get<std::string>();
      if (quantity.find_first_not_of("0.") == std::string::npos)
        side.erase(price);
      else
        side[price] = quantity;
    }
  }

  static std::string side(const Side& side) {
    nlohmann::json levels = nlohmann::json::array();
    for (const auto& [price, quantity] : side) levels.push_back({price, quantity});
    return levels.dump();
  }

  Side asks_;
  Side bids_;
  std::string highest_ask_;  ///< that is known of; empty: there is no horizon
  std::string lowest_bid_;   ///< likewise
  std::uint64_t update_id_ = 0;
};

}  // namespace bpx::test
