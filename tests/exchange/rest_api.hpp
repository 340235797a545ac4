#pragma once

#include "tests/exchange/exchange_clock.hpp"
#include "tests/exchange/http_text.hpp"
#include "tests/exchange/market.hpp"

#include <map>
#include <string>

namespace bpx::exchange {

/// `/api/v1/time`, `/api/v1/markets` and `/api/v1/depth?symbol=…&limit=…`. No I/O.
class RestApi {
 public:
  /// `market` may be null: then no market is listed, and only scripted depth is known. Both outlive
  /// this.
  RestApi(const Market* market, const ExchangeClock& clock) : market_(market), clock_(clock) {}

  HttpAnswer answer(const HttpRequest& request) const;

  /// From now on `body` is the depth of `symbol`, whatever the market says; where it is empty, the
  /// market has its say again.
  void script_depth(const std::string& symbol, std::string body);

 private:
  HttpAnswer depth(const std::string& symbol, const std::string& limit) const;

  const Market* market_;
  const ExchangeClock& clock_;
  std::map<std::string, std::string> scripted_depth_;
};

}  // namespace bpx::exchange
