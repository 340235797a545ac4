#pragma once

#include <string_view>

namespace bpx::proto {

/// Whether `text` is UTF-8 as RFC 3629 has it, which WebSocket demands of every text message.
bool is_utf8(std::string_view text);

}  // namespace bpx::proto
