#pragma once

#include "proto/depth_update.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bpx::fuzz {

/// An order book in the plainest way there is, for prices written in any way. Shares nothing with
/// the bridge's but the values that are read.
class PlainBook {
 public:
  using Levels = std::vector<proto::PriceLevel>;

  void set(const Levels& asks, const Levels& bids) {
    for (const auto& ask : asks) set(asks_, ask);
    for (const auto& bid : bids) set(bids_, bid);
  }

  std::size_t size() const { return asks_.size() + bids_.size(); }

  /// As the exchange's REST depth has it.
  std::string json(std::uint64_t last_update_id) const {
    return R"({"asks":[)" + text(asks_) + R"(],"bids":[)" + text(bids_) + R"(],"lastUpdateId":")" +
           std::to_string(last_update_id) + R"(","timestamp":0})";
  }

 private:
  using Side = std::map<std::string, std::string>;  ///< JSON of a level by its price's digits

  /// So many before the point, and behind it, that digits can be compared like words.
  static constexpr std::size_t kDigits = 64;

  static std::string digits(std::string_view price) {
    const auto whole = price.substr(0, price.find('.'));
    const auto fraction = whole.size() < price.size() ? price.substr(whole.size() + 1) : "";
    return std::string(kDigits - whole.size(), '0').append(whole).append(fraction) +
           std::string(kDigits - fraction.size(), '0');
  }

  static void set(Side& side, const proto::PriceLevel& level) {
    const auto [price, quantity] = level;
    if (digits(quantity) == digits("0"))
      side.erase(digits(price));
    else
      side[digits(price)] =
          R"([")" + std::string(price) + R"(",")" + std::string(quantity) + R"("])";
  }

  static std::string text(const Side& side) {
    std::string text;
    for (const auto& [price, level] : side) text += (text.empty() ? "" : ",") + level;
    return text;
  }

  Side asks_;
  Side bids_;
};

}  // namespace bpx::fuzz
