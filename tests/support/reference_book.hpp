#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace bpx::test {

/// An order book as a consumer keeps it, in the plainest way there is: shares nothing with the
/// bridge's. Good for markets that write all prices with the same number of decimals.
class ReferenceBook {
 public:
  ReferenceBook() = default;

  /// From the JSON of a REST depth, or of the bridge's answer, which has the same shape.
  explicit ReferenceBook(std::string_view depth) {
    const auto json = nlohmann::json::parse(depth);
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

  /// Both sides by ascending price, and the id.
  std::string text() const { return side(asks_) + side(bids_) + std::to_string(update_id_); }

 private:
  struct ByValue {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() < b.size() : a < b;
    }
  };
  using Side = std::map<std::string, std::string, ByValue>;

  static void set(Side& side, const nlohmann::json& levels) {
    for (const auto& level : levels) {
      const auto price = level.at(0).get<std::string>();
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
  std::uint64_t update_id_ = 0;
};

}  // namespace bpx::test
