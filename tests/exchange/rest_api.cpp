#include "tests/exchange/rest_api.hpp"

#include <cstddef>
#include <optional>
#include <utility>

namespace bpx::exchange {
namespace {

/// The shape is an assumption, after the errors that the REST documentation shows.
HttpAnswer refusal(const std::string& code, const std::string& message) {
  return {.status = 400, .body = R"({"code":")" + code + R"(","message":")" + message + R"("})"};
}

/// How many levels a side `limit` lets an answer have; nullopt where it is none of those that are
/// documented.
std::optional<std::size_t> levels_of(const std::string& limit) {
  if (limit.empty()) return Market::kDeepest;
  for (const std::size_t levels : {5U, 10U, 20U, 50U, 100U, 500U, 1'000U})
    if (limit == std::to_string(levels)) return levels;
  return std::nullopt;
}

}  // namespace

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
  return depth(query_value(request.query, "symbol"), query_value(request.query, "limit"));
}

HttpAnswer RestApi::depth(const std::string& symbol, const std::string& limit) const {
  if (const auto scripted = scripted_depth_.find(symbol); scripted != scripted_depth_.end()) {
    return {.body = scripted->second};
  }
  if (market_ != nullptr) {
    const auto levels = levels_of(limit);
    if (!levels) return refusal("INVALID_CLIENT_REQUEST", "Invalid limit");
    if (auto body = market_->depth_json(symbol, clock_.now_us(), *levels)) return {.body = *body};
  }
  return refusal("INVALID_SYMBOL", "Invalid symbol");
}

void RestApi::script_depth(const std::string& symbol, std::string body) {
  if (body.empty())
    scripted_depth_.erase(symbol);
  else
    scripted_depth_[symbol] = std::move(body);
}

}  // namespace bpx::exchange
