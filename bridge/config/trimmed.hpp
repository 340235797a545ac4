#pragma once

#include <algorithm>
#include <string_view>

namespace bpx::bridge {

/// `text` without a byte-order mark in front, and without blanks and line breaks around it: what
/// editors and `echo` leave there is no part of a value.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  constexpr std::string_view kBlanks = " \t\r\n";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

inline constexpr std::string_view kQuotes = "\"'";

/// Whether `text` has kept a quotation mark that was meant for a shell: in front or at its end.
inline bool keeps_quotes(std::string_view text) {
  return !text.empty() && (kQuotes.find(text.front()) != std::string_view::npos ||
                           kQuotes.find(text.back()) != std::string_view::npos);
}

inline std::string_view without_quotes(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kQuotes), text.size()));
  return text.substr(0, text.find_last_not_of(kQuotes) + 1);
}

}  // namespace bpx::bridge
