#include "proto/replay_request.hpp"

#include "proto/stream_name.hpp"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace bpx::proto {
namespace {

using Kind = ReplayRequest::Kind;

constexpr std::string_view kReplay = "bridge.replay/";
constexpr std::string_view kBook = "bridge.book/";

ReplayRequest malformed(std::string_view fault) {
  ReplayRequest request;
  request.kind = Kind::malformed;
  request.fault = fault;
  return request;
}

/// The text up to the next slash, which is removed from `rest` with it; nullopt where there is
/// none.
std::optional<std::string_view> pop_part(std::string_view& rest) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto part = rest.substr(0, slash);
  rest.remove_prefix(slash + 1);
  return part;
}

std::optional<std::uint64_t> to_sequence(std::string_view text) {
  std::uint64_t sequence = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, sequence);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return sequence;
}

std::optional<std::string_view> fault_of_id(std::string_view id) {
  if (id.empty()) return "the id is empty";
  if (!simdjson::validate_utf8(id.data(), id.size())) return "the id is not valid UTF-8";
  const auto is_first_byte = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; };
  if (std::cmp_greater(std::ranges::count_if(id, is_first_byte), ReplayRequest::kMaxIdCharacters))
    return "the id is longer than 64 characters";
  return std::nullopt;
}

}  // namespace

ReplayRequest ReplayRequest::parse(std::string_view topic) {
  ReplayRequest request;
  if (topic.starts_with(kReplay))
    request.kind = Kind::replay;
  else if (topic.starts_with(kBook))
    request.kind = Kind::book;
  else
    return request;

  auto rest = topic.substr(topic.find('/') + 1);
  const auto stream = pop_part(rest);
  if (!stream) return malformed("a part is missing");
  if (StreamName::fault_of(*stream)) return malformed("the stream has no valid name");
  request.stream = *stream;
  if (request.kind == Kind::replay) {
    const auto from = pop_part(rest);
    if (!from) return malformed("a part is missing");
    request.from = to_sequence(*from);
    if (!request.from && *from != "last") return malformed("from is neither a number nor `last`");
  }
  if (const auto fault = fault_of_id(rest)) return malformed(*fault);
  return request;
}

}  // namespace bpx::proto
