#pragma once

#include "tests/exchange/order_book.hpp"
#include "tests/exchange/random.hpp"

namespace bpx::exchange {

/// Order ids rise through the whole exchange, with holes, and never repeat.
class OrderIds {
 public:
  OrderId next(Random& random) { return last_ += 1 + random.below(kLargestHole); }

 private:
  static constexpr OrderId kLargestHole = 65'536;

  OrderId last_ = 113'782'700'000'000'000;
};

}  // namespace bpx::exchange
