#include "bridge/cli/book_page.hpp"

#include "bridge/one_line.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <vector>

namespace bpx::bridge::cli {
namespace {

using Json = nlohmann::json;

/// A number that is padded so that its point stands below others'.
struct Column {
  std::size_t whole = 0;
  std::size_t fraction = 0;  ///< with the point

  static std::size_t whole_of(const std::string& text) {
    return std::min(text.find('.'), text.size());
  }
  void fit(const std::string& text) {
    whole = std::max(whole, whole_of(text));
    fraction = std::max(fraction, text.size() - whole_of(text));
  }
  std::string pad(const std::string& text) const {
    return std::string(whole - whole_of(text), ' ') + text +
           std::string(fraction - (text.size() - whole_of(text)), ' ');
  }
};

struct Level {
  std::string price, quantity;
};

std::optional<std::vector<Level>> levels_of(const Json& book, const char* side) {
  const auto found = book.find(side);
  if (found == book.end() || !found->is_array()) return std::nullopt;
  std::vector<Level> levels;
  for (const auto& pair : *found) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
      return std::nullopt;
    levels.push_back({one_line(pair[0].get<std::string>()), one_line(pair[1].get<std::string>())});
  }
  return levels;
}

}  // namespace

std::optional<std::string> book_page(std::string_view stream, std::string_view payload,
                                     std::size_t depth) {
  const auto book = Json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!book.is_object()) return std::nullopt;
  auto asks = levels_of(book, "asks");
  auto bids = levels_of(book, "bids");
  const auto id = book.find("lastUpdateId");
  if (!asks || !bids || id == book.end() || !id->is_string()) return std::nullopt;

  // Both sides go by ascending price: the best ask is first, the best bid last.
  const auto ask_count = asks->size();
  const auto bid_count = bids->size();
  asks->resize(std::min(depth, asks->size()));
  std::ranges::reverse(*asks);
  std::ranges::reverse(*bids);
  bids->resize(std::min(depth, bids->size()));

  Column price, quantity;
  for (const auto* side : {&*asks, &*bids})
    for (const auto& level : *side) {
      price.fit(level.price);
      quantity.fit(level.quantity);
    }
  std::string page = one_line(stream) + "  update " + one_line(id->get<std::string>()) + ", " +
                     std::to_string(ask_count) + " asks and " + std::to_string(bid_count) +
                     " bids\n";
  const auto append = [&](std::string_view name, const Level& level) {
    page.append("  ").append(name).append("  ").append(price.pad(level.price));
    page.append("  ").append(quantity.pad(level.quantity));
    page.erase(page.find_last_not_of(' ') + 1);
    page += '\n';
  };
  for (const auto& level : *asks) append("ask", level);
  if (!asks->empty() && !bids->empty()) page += "  ---\n";
  for (const auto& level : *bids) append("bid", level);
  return page;
}

std::string why_no_book(const std::string& stream, bool has_answer) {
  if (!has_answer) return "no answer: does the bridge run, and does it publish there? Asking again";
  return "the bridge has no book of " + stream +
         " in sync: is it in publish.books? One that is becomes right soon after a message of the "
         "stream; its log says why if not. Asking again";
}

}  // namespace bpx::bridge::cli
