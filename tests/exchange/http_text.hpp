#pragma once

#include <functional>
#include <string>

namespace bpx::exchange {

/// HTTP as far as the answers depend on it; what carries it is elsewhere.
struct HttpRequest {
  std::string method = {};
  std::string path = {};
  /// Without the question mark; as sent, percent signs and all.
  std::string query = {};
  std::string body = {};
};

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body = {};
  /// With 405: the methods that would do.
  std::string allow = {};
};

using AnswerHttp = std::function<HttpAnswer(const HttpRequest&)>;

/// The value of `name` in a query string, or nothing; not percent-decoded, which no parameter of
/// the exchange needs.
std::string query_value(const std::string& query, const std::string& name);

}  // namespace bpx::exchange
