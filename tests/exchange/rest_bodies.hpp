#pragma once

#include "tests/exchange/instrument.hpp"
#include "tests/exchange/order_book.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

/// What the exchange's REST side says about its markets.
namespace bpx::exchange {

/// The body of `/api/v1/depth`: the best `limit` prices of each side. Both by ascending price: best
/// bid last, best ask first.
std::string depth_body(const Instrument& instrument, std::int64_t now_us, const OrderBook& book,
                       std::size_t limit);

/// An element of the body of `/api/v1/markets`.
std::string listing(const Instrument& instrument);

}  // namespace bpx::exchange
