#pragma once

#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string_view>
#include <utility>

/// How the readers of this folder walk through JSON. For them alone.
namespace bpx::proto {

/// What simdjson found, unless memory ran out: that says nothing of the text, and must not count as
/// its fault.
inline simdjson::error_code fault_of_text(simdjson::error_code error) {
  if (error == simdjson::MEMALLOC) throw std::bad_alloc();
  return error;
}

/// The key of `field` where it lies, which is a copy and its unescaping cheaper; or, where it holds
/// an escape, in the parser's memory.
inline simdjson::simdjson_result<std::string_view> key_of(simdjson::ondemand::field& field) {
  const char* const begin = field.key().raw();
  const char* end = begin;
  while (*end != '"' && *end != '\\') ++end;  // simdjson has seen that the string ends
  if (*end == '\\') return field.unescaped_key();
  return std::string_view(begin, static_cast<std::size_t>(end - begin));
}

/// Calls `on_member(key, value)` for each member of `object`; key and value in document order.
template <typename OnMember>
simdjson::error_code for_each_member(simdjson::ondemand::object object, OnMember&& on_member) {
  for (auto found : object) {
    simdjson::ondemand::field field;
    if (const auto error = std::move(found).get(field)) return error;
    std::string_view key;
    if (const auto error = key_of(field).get(key)) return error;
    if (const auto error = on_member(key, field.value())) return error;
  }
  return simdjson::SUCCESS;
}

inline std::optional<std::uint64_t> unsigned_integer(simdjson::ondemand::value value) {
  std::uint64_t number = 0;
  if (value.get_uint64().get(number)) return std::nullopt;
  return number;
}

}  // namespace bpx::proto
