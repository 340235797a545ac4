#include "bridge/cli/tail_line.hpp"

#include "bridge/one_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace bpx::bridge::cli {
namespace {

constexpr std::size_t kMaxTopicWidth = 44;
constexpr std::size_t kLagWidth = 9;

constexpr std::string_view kDim = "\x1b[2m";
constexpr std::string_view kCyan = "\x1b[36m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kReset = "\x1b[0m";

/// Time of day in UTC with milliseconds.
std::string time_of_day(std::int64_t unix_ns) {
  const std::time_t seconds = unix_ns / 1'000'000'000;
  const auto millis = static_cast<int>(unix_ns / 1'000'000 % 1'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 48> text;
  const int length = std::snprintf(text.data(), text.size(), "%02d:%02d:%02d.%03d", utc.tm_hour,
                                   utc.tm_min, utc.tm_sec, millis);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string pad_left(const std::string& text, std::size_t width) {
  const auto length = characters(text);
  return length < width ? std::string(width - length, ' ') + text : text;
}

std::string pad_right(const std::string& text, std::size_t width) {
  const auto length = characters(text);
  return length < width ? text + std::string(width - length, ' ') : text;
}

std::string flags_of(const proto::MessageHeader& header) {
  using Header = proto::MessageHeader;
  std::string text;
  if (header.flags & Header::replay) text += "replay ";
  if (header.flags & Header::gap_before) text += "GAP ";
  if (header.flags & Header::first_on_connection)
    text += "first on connection " + std::to_string(header.connection) + ' ';
  if (header.flags & Header::end_of_replay) text += "end of replay ";
  return text;
}

/// From the exchange's event to here; where the message tells no event time, from the bridge to
/// here.
std::int64_t lag_of(const TailMessage& message) {
  const auto& header = message.header;
  return message.arrived_ns - (header.event_ns != 0 ? header.event_ns : header.received_ns);
}

void cut(std::string& utf8, std::size_t width) {
  if (characters(utf8) <= width) return;
  std::size_t end = 0;
  for (std::size_t seen = 0; end < utf8.size(); ++end)
    if ((utf8[end] & 0xc0) != 0x80 && ++seen == width) break;
  utf8.resize(end);
  utf8 += "…";
}

}  // namespace

std::string format_lag(std::int64_t ns) {
  const auto size = std::abs(static_cast<double>(ns));
  std::array<char, 32> text;
  int length = 0;
  if (size < 1e6)
    length = std::snprintf(text.data(), text.size(), "%.0f µs", static_cast<double>(ns) / 1e3);
  else if (size < 1e9)
    length = std::snprintf(text.data(), text.size(), "%.1f ms", static_cast<double>(ns) / 1e6);
  else
    length = std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ns) / 1e9);
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string TailLine::format(const TailMessage& message) {
  auto topic = one_line(message.topic);
  topic_width_ = std::min(kMaxTopicWidth, std::max(topic_width_, characters(topic)));
  const auto time = time_of_day(message.arrived_ns);
  topic = pad_right(topic, topic_width_);
  const auto sequence = pad_left(std::to_string(message.header.sequence), 9);
  const auto lag = pad_left(format_lag(lag_of(message)), kLagWidth);
  auto rest = flags_of(message.header);
  const auto flags_bytes = rest.size();
  rest += one_line(message.payload);

  const auto used = characters(time + topic + sequence + lag) + 7;
  if (options_.width > 0) cut(rest, options_.width > used + 10 ? options_.width - used : 10);
  if (!options_.has_colour) return time + "  " + topic + "  " + sequence + ' ' + lag + "  " + rest;

  const auto flags_end = std::min(flags_bytes, rest.size());
  std::string line;
  line.append(kDim).append(time).append(kReset).append("  ");
  line.append(kCyan).append(topic).append(kReset).append("  ");
  line.append(sequence).append(" ").append(kDim).append(lag).append(kReset).append("  ");
  line.append(kYellow).append(rest, 0, flags_end).append(kReset).append(rest, flags_end);
  return line;
}

}  // namespace bpx::bridge::cli
