#include "tests/exchange/instrument.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace bpx::exchange {

namespace {

struct KnownAsset {
  std::string_view name;
  Price anchor;
  int price_decimals;
  int quantity_decimals;
};

constexpr std::array kKnownAssets = {
    KnownAsset{"SOL", 9'897, 2, 2},      KnownAsset{"BTC", 1'104'312, 1, 5},
    KnownAsset{"ETH", 438'015, 2, 4},    KnownAsset{"USDT", 10'076, 4, 0},
    KnownAsset{"AAPL.US", 22'972, 2, 2},
};

constexpr std::string_view kPerpSuffix = "_PERP";

/// An order is worth about this much, in ticks times lots, whatever the instrument.
constexpr std::int64_t kTypicalValue = 100'000'000;

void split(std::string_view pair, Instrument& instrument) {
  const std::size_t separator = pair.rfind('_');
  instrument.base = pair.substr(0, separator);
  instrument.quote = separator == pair.npos ? "USDC" : pair.substr(separator + 1);
}

void draw_numbers(Instrument& instrument, Random& random) {
  instrument.anchor = 5'000 + random.below(45'000);
  instrument.price_decimals = 1 + static_cast<int>(random.below(4));
  instrument.quantity_decimals = static_cast<int>(random.below(4));
}

}  // namespace

Amount Instrument::base_amount(Quantity lots) const {
  return lots * power_of_ten(kAmountDecimals - quantity_decimals);
}

Amount Instrument::quote_amount(std::int64_t ticks_lots) const {
  return ticks_lots * power_of_ten(kAmountDecimals - price_decimals - quantity_decimals);
}

Instrument make_instrument(std::size_t index, std::string symbol, Random& random) {
  Instrument instrument;
  instrument.index = index;
  instrument.symbol = std::move(symbol);
  std::string_view pair = instrument.symbol;
  instrument.is_perp = pair.ends_with(kPerpSuffix);
  if (instrument.is_perp) pair.remove_suffix(kPerpSuffix.size());
  split(pair, instrument);

  const auto known = std::find_if(
      kKnownAssets.begin(), kKnownAssets.end(),
      [&instrument](const KnownAsset& asset) { return asset.name == instrument.base; });
  if (known == kKnownAssets.end()) {
    draw_numbers(instrument, random);
  } else {
    instrument.anchor = known->anchor;
    instrument.price_decimals = known->price_decimals;
    instrument.quantity_decimals = known->quantity_decimals;
  }
  instrument.typical_quantity = kTypicalValue / instrument.anchor;
  return instrument;
}

}  // namespace bpx::exchange
