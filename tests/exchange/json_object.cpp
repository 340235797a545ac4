#include "tests/exchange/json_object.hpp"

#include <utility>

namespace bpx::exchange {

JsonObject& JsonObject::text(std::string_view key, std::string_view value) {
  name(key);
  text_ += '"';
  text_ += value;
  text_ += '"';
  return *this;
}

JsonObject& JsonObject::integer(std::string_view key, std::int64_t value) {
  name(key);
  append(text_, {value, 0});
  return *this;
}

JsonObject& JsonObject::boolean(std::string_view key, bool value) {
  return json(key, value ? "true" : "false");
}

JsonObject& JsonObject::null(std::string_view key) { return json(key, "null"); }

JsonObject& JsonObject::json(std::string_view key, std::string_view value) {
  name(key);
  text_ += value;
  return *this;
}

JsonObject& JsonObject::decimal(std::string_view key, Decimal value) {
  name(key);
  quoted(value);
  return *this;
}

JsonObject& JsonObject::begin_pairs(std::string_view key) {
  name(key);
  text_ += '[';
  return *this;
}

JsonObject& JsonObject::pair(Decimal first, Decimal second) {
  if (text_.back() == ']') text_ += ',';
  text_ += '[';
  quoted(first);
  text_ += ',';
  quoted(second);
  text_ += ']';
  return *this;
}

JsonObject& JsonObject::end_pairs() {
  text_ += ']';
  return *this;
}

std::string JsonObject::finish() {
  text_ += '}';
  return std::move(text_);
}

void JsonObject::name(std::string_view key) {
  if (text_.size() > 1) text_ += ',';
  text_ += '"';
  text_ += key;
  text_ += "\":";
}

void JsonObject::quoted(Decimal value) {
  text_ += '"';
  append(text_, value);
  text_ += '"';
}

}  // namespace bpx::exchange
