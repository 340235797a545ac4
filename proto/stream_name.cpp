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

struct CodePoints {
  char32_t first, last;
};

/// What no two people would read in the same way: ASCII and C1 controls, and what Unicode 15 calls
/// white space, uses to steer the direction of text or to annotate it, or does not show
/// (Default_Ignorable_Code_Point, and the blank of Braille).
constexpr std::array kUnseen = {
    CodePoints{0x00, 0x20},       CodePoints{0x7f, 0xa0},       CodePoints{0xad, 0xad},
    CodePoints{0x34f, 0x34f},     CodePoints{0x61c, 0x61c},     CodePoints{0x115f, 0x1160},
    CodePoints{0x1680, 0x1680},   CodePoints{0x17b4, 0x17b5},   CodePoints{0x180b, 0x180f},
    CodePoints{0x2000, 0x200f},   CodePoints{0x2028, 0x202f},   CodePoints{0x205f, 0x206f},
    CodePoints{0x2800, 0x2800},   CodePoints{0x3000, 0x3000},   CodePoints{0x3164, 0x3164},
    CodePoints{0xfe00, 0xfe0f},   CodePoints{0xfeff, 0xfeff},   CodePoints{0xffa0, 0xffa0},
    CodePoints{0xfff0, 0xfffb},   CodePoints{0x1bca0, 0x1bca3}, CodePoints{0x1d173, 0x1d17a},
    CodePoints{0xe0000, 0xe0fff},
};

bool is_unseen(char32_t c) {
  if (c > 0x20 && c < 0x7f) return false;
  return std::ranges::any_of(kUnseen,
                             [&](const auto& some) { return c >= some.first && c <= some.last; });
}

/// What separates names or surrounds them where people and shells write several.
constexpr std::string_view kPunctuation = ",;\"'`";

bool contains_unseen(std::string_view text) {
  while (!text.empty())
    if (is_unseen(pop_code_point(text))) return true;
  return false;
}

}  // namespace

std::optional<std::string_view> StreamName::fault_of(std::string_view text) {
  if (text.empty()) return "the name is empty";
  if (text.size() > kMaxStreamNameBytes) return "the name is longer than 200 bytes";
  if (!simdjson::validate_utf8(text.data(), text.size())) return "the name is not valid UTF-8";
  if (contains_unseen(text))
    return "the name contains white space, a control character or one that does not show";
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
