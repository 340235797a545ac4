#include "bridge/upstream/refusal.hpp"

#include "bridge/upstream/retry_after.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cctype>

namespace bpx::bridge {
namespace {

namespace http = boost::beast::http;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kMaxText = 160;
constexpr std::size_t kMaxLocation = 200;

std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto is_continued = [&] {
    return (static_cast<unsigned char>(text[most]) & 0xc0U) == 0x80;
  };
  while (most > 0 && is_continued()) --most;  // not through a character of UTF-8
  return text.substr(0, most);
}

bool begins_tag(std::string_view text) {
  constexpr std::string_view kOthers = "/!?";
  return text.size() > 1 && text[0] == '<' &&
         (std::isalpha(static_cast<unsigned char>(text[1])) != 0 ||
          kOthers.find(text[1]) != std::string_view::npos);
}

/// `body` on one line, tags left out.
std::string text_of(std::string_view body) {
  std::string text;
  while (!body.empty() && text.size() <= kMaxText) {
    const auto tag_end = begins_tag(body) ? body.find('>') : std::string_view::npos;
    const bool is_tag = tag_end != std::string_view::npos;
    const auto c = static_cast<unsigned char>(body[0]);
    if (!is_tag && c > ' ' && c != 0x7f)
      text += body[0];
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
    body.remove_prefix(is_tag ? tag_end + 1 : 1);
  }
  while (text.ends_with(' ')) text.pop_back();
  return cut(std::move(text), kMaxText);
}

std::string mend_for(const Refusal& refusal) {
  switch (refusal.status) {
    case 401:
    case 403: return "it refuses this machine's address, or a proxy in between wants a log-in";
    case 404: return "check the path in upstream.url";
    case 429:
      return "too much comes from this address: are there other bridges? Raise "
             "upstream.backoff_initial_ms";
    default: break;
  }
  if (refusal.status >= 500) return "the exchange is down or overloaded; the bridge goes on trying";
  if (refusal.status / 100 != 3) return "check host, scheme and path in upstream.url";
  return "it points to " + (refusal.location.empty() ? "elsewhere" : refusal.location) +
         "; if that is the exchange's new address, put it into upstream.url";
}

}  // namespace

std::optional<Refusal> parse_refusal(std::string_view answer,
                                     std::chrono::system_clock::time_point now) {
  http::response_parser<http::empty_body> parser;
  parser.skip(true);  // the body: it need not be whole
  parser.header_limit(static_cast<std::uint32_t>(answer.size() + 1));
  boost::system::error_code error;
  const auto head_bytes = parser.put(boost::asio::buffer(answer.data(), answer.size()), error);
  if (error || !parser.is_header_done() || parser.get().result_int() == 101) return std::nullopt;
  auto body = answer.substr(head_bytes);
  if (parser.chunked()) body.remove_prefix(std::min(body.find('\n'), body.size()));
  const auto& head = parser.get();
  return Refusal{.status = head.result_int(),
                 .location = cut(std::string(head[http::field::location]), kMaxLocation),
                 .text = text_of(body),
                 .retry_after = parse_retry_after(std::string(head[http::field::retry_after]),
                                                  std::string(head[http::field::date]), now)};
}

std::string describe(const Refusal& refusal) {
  auto words = "HTTP " + std::to_string(refusal.status);
  if (!refusal.text.empty()) words += " (" + refusal.text + ')';
  return words;
}

ConnectFailure upgrade_refused(const Refusal& refusal) {
  // Whoever says so is made no friend by being asked again at once.
  constexpr seconds kWhereUnwelcome{1};
  const bool is_unwelcome = refusal.status == 403 || refusal.status == 429;
  auto detail = describe(refusal) + " instead of a WebSocket: " + mend_for(refusal);
  if (refusal.retry_after)
    detail += "; it asks to wait " + std::to_string(refusal.retry_after->count()) + " s";
  return {.result = ConnectResult::handshake,
          .detail = std::move(detail),
          .at_least = std::max(is_unwelcome ? kWhereUnwelcome : seconds(0),
                               refusal.retry_after.value_or(seconds(0)))};
}

}  // namespace bpx::bridge
