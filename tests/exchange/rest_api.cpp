#include "tests/exchange/rest_api.hpp"

#include <utility>

namespace bpx::exchange {

HttpAnswer RestApi::answer(const HttpRequest& request) const {
  const bool known = request.path == "/api/v1/time" || request.path == "/api/v1/markets" ||
                     request.path == "/api/v1/depth";
  if (!known) return {.status = 404, .content_type = "text/plain", .body = "Not Found"};
  if (request.method != "GET") {
    return {.status = 405, .content_type = "text/plain", .allow = "GET"};
  }
  if (request.path == "/api/v1/time") {
    return {.content_type = "text/plain", .body = std::to_string(clock_.now_us() / 1000)};
  }
  if (request.path == "/api/v1/markets") {
    return {.body = market_ == nullptr ? "[]" : market_->markets_json()};
  }
  return depth(query_value(request.query, "symbol"));
}

HttpAnswer RestApi::depth(const std::string& symbol) const {
  if (const auto scripted = scripted_depth_.find(symbol); scripted != scripted_depth_.end()) {
    return {.body = scripted->second};
  }
  if (market_ != nullptr) {
    if (auto body = market_->depth_json(symbol, clock_.now_us())) return {.body = *body};
  }
  // The shape is an assumption, after the errors that the REST documentation shows.
  return {.status = 400, .body = R"({"code":"INVALID_SYMBOL","message":"Invalid symbol"})"};
}

void RestApi::script_depth(const std::string& symbol, std::string body) {
  if (body.empty())
    scripted_depth_.erase(symbol);
  else
    scripted_depth_[symbol] = std::move(body);
}

}  // namespace bpx::exchange
