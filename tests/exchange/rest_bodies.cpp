#include "tests/exchange/rest_bodies.hpp"

#include "tests/exchange/json_object.hpp"

#include <algorithm>
#include <span>

namespace bpx::exchange {

std::string depth_body(const Instrument& instrument, std::int64_t now_us, const OrderBook& book,
                       std::size_t limit) {
  const auto best = [&](Side side) {
    const std::span levels(book.levels(side));
    return levels.last(std::min(limit, levels.size()));
  };
  JsonObject body;
  const auto add = [&](const Level& level) {
    body.pair(instrument.price(level.price), instrument.quantity(level.quantity));
  };
  const auto asks = best(Side::ask);
  const auto bids = best(Side::bid);
  body.begin_pairs("asks");
  std::for_each(asks.rbegin(), asks.rend(), add);
  body.end_pairs().begin_pairs("bids");
  std::for_each(bids.begin(), bids.end(), add);
  body.end_pairs();
  return body.decimal("lastUpdateId", {book.update_id(), 0}).integer("timestamp", now_us).finish();
}

std::string listing(const Instrument& instrument) {
  const std::string price_filter = JsonObject()
                                       .null("maxPrice")
                                       .decimal("minPrice", instrument.price(1))
                                       .decimal("tickSize", instrument.price(1))
                                       .finish();
  const std::string quantity_filter = JsonObject()
                                          .null("maxQuantity")
                                          .decimal("minQuantity", instrument.quantity(1))
                                          .decimal("stepSize", instrument.quantity(1))
                                          .finish();
  const std::string filters =
      JsonObject().json("price", price_filter).json("quantity", quantity_filter).finish();
  return JsonObject()
      .text("baseSymbol", instrument.base)
      .json("filters", filters)
      .text("marketType", instrument.is_perp ? "PERP" : "SPOT")
      .text("orderBookState", "Open")
      .text("quoteSymbol", instrument.quote)
      .text("symbol", instrument.symbol)
      .finish();
}

}  // namespace bpx::exchange
