#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bpx::exchange {

/// `{"method":"SUBSCRIBE","params":[…],"signature":[…],"id":…}`, taken apart but not yet judged.
struct ClientRequest {
  std::string method;
  std::vector<std::string> params;
  /// Empty where the request is not signed.
  std::vector<std::string> signature;
  /// The `id` as JSON text; `null` where there is none.
  std::string id_json = "null";
};

/// Why a text is no request at all.
struct MalformedRequest {
  std::string reason;
};

std::variant<ClientRequest, MalformedRequest> parse_client_request(std::string_view text);

}  // namespace bpx::exchange
