#include "proto/utf8.hpp"

#include <simdjson.h>

namespace bpx::proto {

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace bpx::proto
