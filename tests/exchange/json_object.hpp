#pragma once

#include "tests/exchange/decimal.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::exchange {

/// Writes one JSON object without white space, member by member in the order of the calls: the
/// exchange sends keys in byte order, so its callers name them in that order. Nothing is escaped;
/// symbols and words of the protocol need no escaping.
class JsonObject {
 public:
  JsonObject() {
    text_.reserve(kTypicalSize);
    text_ += '{';
  }

  JsonObject& text(std::string_view key, std::string_view value);
  JsonObject& integer(std::string_view key, std::int64_t value);
  JsonObject& boolean(std::string_view key, bool value);
  JsonObject& null(std::string_view key);
  /// A member whose value is JSON already.
  JsonObject& json(std::string_view key, std::string_view value);
  /// In quotes, as the exchange sends every price, quantity and order id.
  JsonObject& decimal(std::string_view key, Decimal value);

  /// An array of pairs, such as a price and a quantity: between begin and end only pairs.
  JsonObject& begin_pairs(std::string_view key);
  JsonObject& pair(Decimal first, Decimal second);
  JsonObject& end_pairs();

  /// Closes the object and hands its text over; the writer is spent.
  std::string finish();

 private:
  static constexpr std::size_t kTypicalSize = 224;

  void name(std::string_view key);
  void quoted(Decimal value);

  std::string text_;
};

}  // namespace bpx::exchange
