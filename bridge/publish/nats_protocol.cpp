#include "bridge/publish/nats_protocol.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

void append_number(std::string& out, std::integral auto number) {
  std::array<char, 20> digits;
  out.append(digits.data(),
             std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_header(std::string& out, std::string_view name_and_colon, std::integral auto number) {
  out.append(name_and_colon);
  append_number(out, number);
  out.append(kLineEnd);
}

void append_headers(std::string& out, const JetStreamWindow::Message& message) {
  const auto& header = message.header;
  out.append("NATS/1.0\r\nNats-Msg-Id: ");
  append_number(out, header.epoch_us);
  out.append(1, ':').append(message.stream()).append(1, ':');
  append_number(out, header.sequence);
  append_header(out, "\r\nBridge-Sequence: ", header.sequence);
  append_header(out, "Bridge-Epoch: ", header.epoch_us);
  append_header(out, "Bridge-Connection: ", header.connection);
  append_header(out, "Bridge-Flags: ", header.flags);
  append_header(out, "Bridge-Received: ", header.received_ns);
  append_header(out, "Bridge-Event: ", header.event_ns);
  append_header(out, "Bridge-Sent: ", header.sent_ns);
  out.append(kLineEnd);
}

template <typename T>
std::optional<T> number_in(std::string_view digits) {
  T number{};
  const auto* end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// The last word of the line, which it loses, as a number.
std::optional<std::size_t> take_size(std::string_view& line) {
  const auto space = line.rfind(' ');
  if (space == line.npos) return std::nullopt;
  const auto size = number_in<std::uint32_t>(line.substr(space + 1));
  line = line.substr(0, space);
  return size;
}

/// `MSG SUBJECT SID [REPLY] SIZE` or `HMSG SUBJECT SID [REPLY] HEADERS_SIZE SIZE`, and the content.
std::optional<NatsOperation> message(std::string_view input, std::string_view line) {
  const bool has_headers = line.starts_with('H');
  const auto begin = line.size() + kLineEnd.size();
  const auto size = take_size(line);
  const auto headers_size = has_headers ? take_size(line) : std::size_t{0};
  const auto space = line.find(' ');
  if (!size || !headers_size || *headers_size > *size || space == line.npos) return NatsOperation{};
  if (input.size() < begin + *size + kLineEnd.size()) return std::nullopt;
  if (input.substr(begin + *size, kLineEnd.size()) != kLineEnd) return NatsOperation{};
  line.remove_prefix(space + 1);
  const auto content = input.substr(begin, *size);
  return NatsOperation{.kind = NatsOperation::Kind::message,
                       .subject = line.substr(0, line.find(' ')),
                       .headers = content.substr(0, *headers_size),
                       .text = content.substr(*headers_size),
                       .bytes = begin + *size + kLineEnd.size()};
}

}  // namespace

NatsPublications::NatsPublications(std::string subject_prefix, std::string inbox,
                                   std::size_t max_payload)
    : subject_prefix_(std::move(subject_prefix)),
      reply_prefix_(std::move(inbox) + '.'),
      max_payload_(max_payload) {}

bool NatsPublications::append(std::string& out, const JetStreamWindow::Message& message,
                              std::uint64_t number) {
  // Subjects are words without spaces; and to NATS these two stand for other words.
  if (message.stream().find_first_of("*> \t\r\n") != std::string_view::npos) return false;
  headers_.clear();
  append_headers(headers_, message);
  const auto payload = message.payload();
  const auto size = headers_.size() + payload.size();
  if (size > max_payload_) return false;
  out.append("HPUB ").append(subject_prefix_).append(message.stream()).append(1, ' ');
  out.append(reply_prefix_);
  append_number(out, number);
  append_number(out.append(1, ' '), headers_.size());
  append_number(out.append(1, ' '), size);
  out.append(kLineEnd).append(headers_).append(payload).append(kLineEnd);
  return true;
}

std::optional<std::uint64_t> NatsPublications::number_of(std::string_view subject) const {
  if (!subject.starts_with(reply_prefix_)) return std::nullopt;
  return number_in<std::uint64_t>(subject.substr(reply_prefix_.size()));
}

bool is_from_nobody(const NatsOperation& message) {
  return message.headers.starts_with("NATS/1.0 503");
}

std::optional<NatsOperation> next_operation(std::string_view input) {
  using Kind = NatsOperation::Kind;
  const auto line_end = input.find(kLineEnd);
  if (line_end == input.npos) return std::nullopt;
  const auto line = input.substr(0, line_end);
  if (line.starts_with("MSG ") || line.starts_with("HMSG ")) return message(input, line);
  NatsOperation operation;
  operation.bytes = line_end + kLineEnd.size();
  const auto is = [&](std::string_view verb, Kind kind) {
    if (!line.starts_with(verb)) return false;
    operation.kind = kind;
    operation.text = line.substr(std::min(line.size(), verb.size() + 1));
    return true;
  };
  const bool is_known = is("PING", Kind::ping) || is("PONG", Kind::pong) || is("+OK", Kind::ok) ||
                        is("INFO", Kind::info) || is("-ERR", Kind::error);
  if (!is_known) operation.kind = Kind::malformed;
  return operation;
}

}  // namespace bpx::bridge
