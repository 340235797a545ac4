#include "bridge/upstream/exchange_time.hpp"

#include <charconv>
#include <system_error>

namespace bpx::bridge {

std::optional<std::int64_t> parse_exchange_time(std::string_view body) {
  std::int64_t milliseconds = 0;
  const auto* const end = body.data() + body.size();
  const auto [rest, error] = std::from_chars(body.data(), end, milliseconds);
  constexpr std::int64_t kYear2200 = 7'258'118'400'000;
  if (error != std::errc{} || rest != end || milliseconds <= 0 || milliseconds > kYear2200)
    return std::nullopt;
  return milliseconds * 1'000'000 + 500'000;
}

}  // namespace bpx::bridge
