#include "tests/bench/load/frame.hpp"

#include <stdexcept>

namespace bpx::bench {
namespace {

/// Of an unmasked, final text frame.
std::string header_of(std::size_t size) {
  std::string header(1, '\x81');
  const auto append = [&](int bytes) {
    for (int i = bytes - 1; i >= 0; --i)
      header.push_back(static_cast<char>((size >> (8 * static_cast<unsigned>(i))) & 0xffU));
  };
  if (size < 126) {
    append(1);
  } else if (size < 65'536) {
    header.push_back('\x7e');
    append(2);
  } else {
    header.push_back('\x7f');
    append(8);
  }
  return header;
}

bool is_digit(char character) { return character >= '0' && character <= '9'; }

/// A side of a book that has been swept.
std::string levels_of(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const auto cents = std::to_string(10'000 + i);
    text += text.empty() ? "[\"" : ",[\"";
    text +=
        cents.substr(0, cents.size() - 2) + '.' + cents.substr(cents.size() - 2) + R"(","39.70"])";
  }
  return text;
}

}  // namespace

Frame::Frame(std::string_view text)
    : wire_(header_of(text.size())), header_bytes_(wire_.size()), event_at_(0), engine_at_(0) {
  wire_.append(text);
  event_at_ = place_of(R"("E":)");
  engine_at_ = place_of(R"("T":)");
  if (event_at_ == 0 || engine_at_ == 0) throw std::invalid_argument("a message without E or T");
  for (const auto* const key : {R"("U":)", R"("u":)", R"("t":)"}) {
    const auto at = place_of(key);
    if (at == 0) continue;
    std::size_t width = 0;
    while (is_digit(wire_[at + width])) ++width;
    ids_.push_back({at, width, read_digits(std::string_view(wire_).substr(at, width))});
  }
}

/// Where the value begins; 0 where there is none.
std::size_t Frame::place_of(std::string_view key) const {
  const auto found = wire_.find(key);
  return found == std::string::npos ? 0 : found + key.size();
}

void Frame::stamp(const Stamp& stamp, std::uint64_t ordinal) {
  put_digits(&wire_[event_at_], Stamp::kDigits, stamp.sent_us);
  put_digits(&wire_[engine_at_], Stamp::kDigits, stamp.mark);
  for (const auto& id : ids_) put_digits(&wire_[id.at], id.width, id.first + ordinal);
}

std::string message_of(std::string_view stream, std::size_t levels) {
  const auto dot = stream.find('.');
  const auto kind = stream.substr(0, dot);
  const std::string symbol(dot == std::string_view::npos ? "" : stream.substr(dot + 1));
  const auto message = [&](std::string_view before, std::string_view after) {
    return R"({"data":{)" + std::string(before) + R"("E":1788367430323775,"T":1788367430322731,)" +
           std::string(after) + R"(},"stream":")" + std::string(stream) + "\"}";
  };
  const auto name = R"("s":")" + symbol + "\"";
  if (kind == "bookTicker")
    return message(R"("A":"39.70","B":"288.77",)",
                   R"("a":"98.97","b":"98.96","e":"bookTicker",)" + name + R"(,"u":4330361000)");
  if (kind == "depth")
    return message("", R"("U":4330361000,"a":[)" + levels_of(levels) + R"(],"b":[],"e":"depth",)" +
                           name + R"(,"u":4330361000)");
  if (kind == "trade")
    return message("", R"("a":"113782701997686784","b":"113782700596854784","e":"trade","m":true,)"
                       R"("p":"218.50","q":"0.07",)" +
                           name + R"(,"t":341399899)");
  if (kind == "markPrice")
    return message("", R"("e":"markPrice","f":"0.0000125","i":"98.94998504","n":1788368400000,)"
                       R"("p":"98.94",)" +
                           name);
  throw std::invalid_argument("no shape of a message of " + std::string(stream));
}

}  // namespace bpx::bench
