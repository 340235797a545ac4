#include "proto/stream_name.hpp"

#include <simdjson.h>

#include <algorithm>
#include <array>

namespace bpx::proto {
namespace {

constexpr std::string_view kAccount = "account";
constexpr std::string_view kBridge = "bridge";

constexpr std::array<std::string_view, 10> kTypes = {
    "bookTicker", "depth",        "trade",       "kline",      "ticker",
    "markPrice",  "openInterest", "liquidation", "stockPrice", kAccount};

constexpr std::array<std::string_view, 3> kAggregations = {"200ms", "600ms", "1000ms"};

std::string_view first_word(std::string_view text) { return text.substr(0, text.find('.')); }

std::string_view after_first_word(std::string_view text) {
  const auto dot = text.find('.');
  return dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
}

/// Decodes the code point at the front of valid UTF-8 and removes it.
char32_t pop_code_point(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t code_point = length == 1 ? lead : lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i)
    code_point = code_point << 6 | (static_cast<unsigned char>(text[i]) & 0x3fU);
  text.remove_prefix(length);
  return code_point;
}

/// ASCII and C1 controls, and what Unicode calls white space, does not show, or uses to steer the
/// direction of text.
bool is_white_space_or_control(char32_t c) {
  return c <= 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0x1680 || (c >= 0x2000 && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
         c == 0xfeff || c == 0xad || c == 0x115f || c == 0x1160 || c == 0x180e || c == 0x3164 ||
         c == 0xffa0 || (c >= 0xe0000 && c <= 0xe0fff);
}

/// What separates names or surrounds them where people and shells write several.
constexpr std::string_view kPunctuation = ",;\"'`";

bool contains_white_space_or_control(std::string_view text) {
  while (!text.empty())
    if (is_white_space_or_control(pop_code_point(text))) return true;
  return false;
}

}  // namespace

std::optional<std::string_view> StreamName::fault_of(std::string_view text) {
  if (text.empty()) return "the name is empty";
  if (text.size() > kMaxStreamNameBytes) return "the name is longer than 200 bytes";
  if (!simdjson::validate_utf8(text.data(), text.size())) return "the name is not valid UTF-8";
  if (contains_white_space_or_control(text))
    return "the name contains white space or a control character";
  if (text.find_first_of(kPunctuation) != std::string_view::npos)
    return "the name contains a comma, a semicolon or a quotation mark";
  if (text.front() == '.' || text.back() == '.' || text.find("..") != std::string_view::npos)
    return "a word between two dots is empty";
  if (first_word(text) == kBridge) return "`bridge.` is kept for the bridge's own topics";
  if (text == kAccount) return "`account` alone is no stream; `account.orderUpdate` is";
  return std::nullopt;
}

std::optional<StreamName> StreamName::parse(std::string_view text) {
  if (fault_of(text)) return std::nullopt;
  return StreamName(text);
}

std::string_view StreamName::type() const { return first_word(text_); }

std::string_view StreamName::qualifier() const {
  const auto rest = after_first_word(text_);
  const auto word = first_word(rest);
  if (type() == "depth" && std::ranges::find(kAggregations, word) != kAggregations.end())
    return word;
  if (type() == "kline" || type() == kAccount) return word;
  return {};
}

std::string_view StreamName::symbol() const {
  const auto rest = after_first_word(text_);
  return qualifier().empty() ? rest : after_first_word(rest);
}

bool StreamName::is_private() const { return is_private_stream(text_); }

bool is_private_stream(std::string_view stream) { return first_word(stream) == kAccount; }

bool is_ticking(std::string_view stream) {
  const auto type = first_word(stream);
  return type == "ticker" || type == "markPrice" || type == "bookTicker";
}

bool is_of_known_type(std::string_view stream) {
  const auto type = first_word(stream);
  return std::ranges::find(kTypes, type) != kTypes.end();
}

Numbering numbering_of(std::string_view stream) {
  const auto type = first_word(stream);
  if (type == "depth") return Numbering::updates;
  return type == "trade" ? Numbering::trades : Numbering::none;
}

bool is_bridge_topic(std::string_view stream) { return first_word(stream) == kBridge; }

}  // namespace bpx::proto
