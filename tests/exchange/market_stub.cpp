// Stands in for the market until there is one, so that the server links and can be tested.
#include "tests/exchange/market.hpp"

namespace bpx::exchange {

struct Market::State {};

Market::Market(MarketOptions) : state_(std::make_unique<State>()) {}
Market::~Market() = default;
void Market::trade_or_quote(std::int64_t now_us, std::vector<Frame>& out) {
  out.push_back({.stream = "trade.SOL_USDC", .data = "{\"E\":" + std::to_string(now_us) + "}"});
}
void Market::tick(std::int64_t, std::vector<Frame>&) {}
bool Market::has_stream(std::string_view) const {
  return true;
}
std::vector<Frame> Market::on_subscribed(std::string_view, std::int64_t) const {
  return {};
}
std::string Market::markets_json() const {
  return "[]";
}
std::optional<std::string> Market::depth_json(std::string_view, std::int64_t) const {
  return std::nullopt;
}

}  // namespace bpx::exchange
