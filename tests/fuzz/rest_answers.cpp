// What the exchange's REST side answers, and anybody who answers in its place or on the way to it.
#include "bridge/upstream/exchange_time.hpp"
#include "bridge/upstream/markets.hpp"
#include "bridge/upstream/refusal.hpp"
#include "bridge/upstream/retry_after.hpp"
#include "proto/stream_name.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>

namespace {

using bpx::bridge::Symbols;
using bpx::fuzz::require;
using std::chrono::seconds;

constexpr std::chrono::sys_seconds kNow{seconds(1'788'367'430)};
constexpr seconds kMaxWait{300};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What a list says that is read whole, and without bounds.
std::optional<Symbols> symbols_in(std::string_view body) {
  const auto list = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return std::nullopt;
  Symbols symbols;
  for (const auto& market : list) {
    if (!market.is_object() || !market.contains("symbol") || !market["symbol"].is_string())
      return std::nullopt;
    symbols.insert(market["symbol"].get<std::string>());
  }
  return symbols;
}

bool is_within_bounds(const Symbols& symbols) {
  return symbols.size() <= bpx::bridge::kMaxSymbols &&
         std::ranges::all_of(symbols, [](const std::string& symbol) {
           return symbol.size() <= bpx::proto::kMaxStreamNameBytes;
         });
}

void require_markets(std::string_view body) {
  auto listed = symbols_in(body);
  if (listed && !is_within_bounds(*listed)) listed.reset();
  require(bpx::bridge::parse_markets(body) == listed, "symbols are those of a list within bounds");
}

void require_time(std::string_view body) {
  const auto time = bpx::bridge::parse_exchange_time(body);
  if (!time) return;
  require(*time > 0 && *time % 1'000'000 == 500'000, "a time is the middle of a millisecond");
  require(*time < 7'258'118'400'500'000'001, "a time is of this century or the next");
  require(std::ranges::all_of(body, is_digit), "a time is digits");
}

void require_wait(const std::optional<seconds>& wait) {
  require(!wait || (*wait >= seconds(0) && *wait <= kMaxWait), "a wait is five minutes at most");
}

void require_retry_after(std::string_view value) {
  const auto wait = bpx::bridge::parse_retry_after(std::string(value), {}, kNow);
  require_wait(wait);
  if (!value.empty() && std::ranges::all_of(value, is_digit))
    require(wait.has_value(), "a number is a wait");
}

void require_refusal(std::string_view answer) {
  const auto refusal = bpx::bridge::parse_refusal(answer, kNow);
  if (!refusal) return;
  require(refusal->status != 101, "who grants the WebSocket refuses nothing");
  require(refusal->text.size() <= 160 && refusal->location.size() <= 200, "it says little");
  require(std::ranges::all_of(refusal->text, [](unsigned char c) { return c >= ' ' && c != 0x7f; }),
          "it is one line");
  require_wait(refusal->retry_after);
  require(bpx::bridge::upgrade_refused(*refusal).at_least <= kMaxWait, "nor is it heeded longer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto text = bpx::fuzz::text_of(bytes, size);
  require_markets(text);
  require_time(text);
  require_retry_after(text);
  require_refusal(text);
  return 0;
}
