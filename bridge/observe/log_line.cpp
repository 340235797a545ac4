#include "bridge/observe/log_line.hpp"

#include "bridge/bounded.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace bpx::bridge {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const LogField::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) return bounded(*text);
  return std::visit([](const auto& alternative) { return Json(alternative); }, value);
}

/// Invalid UTF-8 becomes U+FFFD instead of an exception: a log line must not fail. ASCII alone:
/// among the rest are characters that steer a terminal or turn the order of what is read.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

bool needs_quotes(std::string_view text) {
  const auto is_plain = [](unsigned char c) {
    return c > 0x20 && c != '"' && c != '=' && c < 0x7f;
  };
  return text.empty() || !std::ranges::all_of(text, is_plain);
}

std::string to_text(const LogField::Value& value) {
  const auto* text = std::get_if<std::string_view>(&value);
  if (text != nullptr && text->size() <= kLongestText && !needs_quotes(*text))
    return std::string(*text);
  return dump(to_json(value));
}

}  // namespace

std::string_view level_name(LogLevel level) {
  constexpr std::array<std::string_view, 5> kNames = {"trace", "debug", "info", "warn", "error"};
  return kNames.at(static_cast<std::size_t>(level));
}

std::string rfc3339(std::chrono::system_clock::time_point time) {
  using std::chrono::duration_cast;
  const auto since_epoch = duration_cast<std::chrono::microseconds>(time.time_since_epoch());
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
  const auto micros = static_cast<int>((since_epoch - std::chrono::seconds(seconds)).count());
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 80> text;
  const int length = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
                                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                                   utc.tm_min, utc.tm_sec, micros);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string text_line(std::chrono::system_clock::time_point time, LogLevel level,
                      std::string_view event, Log::Fields fields) {
  constexpr std::array<std::string_view, 5> kPadded = {"TRACE", "DEBUG", "INFO ", "WARN ", "ERROR"};
  std::string line = rfc3339(time);
  line.append(1, ' ').append(kPadded.at(static_cast<std::size_t>(level)));
  line.append(1, ' ').append(event);
  for (const auto& field : fields)
    line.append(1, ' ').append(field.key).append(1, '=').append(to_text(field.value));
  return line;
}

std::string json_line(std::chrono::system_clock::time_point time, LogLevel level,
                      std::string_view event, Log::Fields fields) {
  Json line = {{"time", rfc3339(time)}, {"level", level_name(level)}, {"event", event}};
  for (const auto& field : fields) line[std::string(field.key)] = to_json(field.value);
  return dump(line);
}

}  // namespace bpx::bridge
