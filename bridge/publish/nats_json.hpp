#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::bridge {

// What a server says in JSON, which may be anything.

/// Discarded where it is no JSON.
inline nlohmann::json parse_nats_json(std::string_view text) {
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

/// The member `key` of what is an object with such a member; null otherwise.
inline const nlohmann::json& member_of(const nlohmann::json& object, const char* key) {
  static const nlohmann::json kNull;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? kNull : *found;
}

inline std::int64_t number_in(const nlohmann::json& object, const char* key,
                              std::int64_t otherwise) {
  const auto& number = member_of(object, key);
  return number.is_number_integer() ? number.get<std::int64_t>() : otherwise;
}

inline std::string text_in(const nlohmann::json& object, const char* key, const char* otherwise) {
  const auto& text = member_of(object, key);
  return text.is_string() ? text.get<std::string>() : otherwise;
}

}  // namespace bpx::bridge
