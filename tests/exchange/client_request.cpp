#include "tests/exchange/client_request.hpp"

#include <nlohmann/json.hpp>

#include <optional>

namespace bpx::exchange {
namespace {

std::optional<std::vector<std::string>> list_of_text(const nlohmann::json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<std::string> list;
  list.reserve(value.size());
  for (const auto& element : value) {
    if (!element.is_string()) return std::nullopt;
    list.push_back(element.get<std::string>());
  }
  return list;
}

}  // namespace

std::variant<ClientRequest, MalformedRequest> parse_client_request(std::string_view text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return MalformedRequest{"not JSON"};
  if (!json.is_object()) return MalformedRequest{"not an object"};

  ClientRequest request;
  if (const auto id = json.find("id"); id != json.end()) request.id_json = id->dump();

  const auto method = json.find("method");
  if (method == json.end() || !method->is_string()) return MalformedRequest{"no method"};
  request.method = method->get<std::string>();

  if (const auto params = json.find("params"); params != json.end()) {
    auto names = list_of_text(*params);
    if (!names) return MalformedRequest{"params are not a list of strings"};
    request.params = std::move(*names);
  }
  if (const auto signature = json.find("signature"); signature != json.end()) {
    auto parts = list_of_text(*signature);
    if (!parts) return MalformedRequest{"signature is not a list of strings"};
    request.signature = std::move(*parts);
  }
  return request;
}

}  // namespace bpx::exchange
