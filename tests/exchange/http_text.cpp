#include "tests/exchange/http_text.hpp"

#include <algorithm>
#include <string_view>

namespace bpx::exchange {

std::string query_value(const std::string& query, const std::string& name) {
  std::string_view left = query;
  while (!left.empty()) {
    const std::string_view pair = left.substr(0, left.find('&'));
    left.remove_prefix(std::min(left.size(), pair.size() + 1));
    const auto equals = pair.find('=');
    if (pair.substr(0, equals) == name && equals != std::string_view::npos) {
      return std::string(pair.substr(equals + 1));
    }
  }
  return {};
}

}  // namespace bpx::exchange
