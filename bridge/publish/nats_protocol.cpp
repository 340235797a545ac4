#include "bridge/publish/nats_protocol.hpp"

#include <algorithm>
#include <charconv>
#include <concepts>
#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

/// Digits of the largest number that is written.
constexpr std::size_t kMostDigits = 20;

/// Writes where there is room enough.
class Pen {
 public:
  explicit Pen(std::vector<char>& paper) : begin_(paper.data()), at_(begin_) {}

  Pen& write(std::string_view text) {
    at_ = std::copy(text.begin(), text.end(), at_);
    return *this;
  }
  Pen& write(std::integral auto number) {
    at_ = std::to_chars(at_, at_ + kMostDigits, number).ptr;
    return *this;
  }

  std::string_view written() const { return {begin_, at_}; }

 private:
  char* begin_;
  char* at_;
};

/// Room for names and numbers, and for as much as `more`.
void make_room(std::vector<char>& paper, std::size_t more) {
  constexpr std::size_t kRest = 512;
  if (paper.size() < kRest + more) paper.resize(kRest + 2 * more);
}

std::string_view write_headers(std::vector<char>& paper, const JetStreamWindow::Message& message,
                               std::string_view epoch) {
  const auto& header = message.header;
  make_room(paper, message.stream_bytes);
  Pen pen(paper);
  pen.write("NATS/1.0\r\nNats-Msg-Id: ").write(epoch).write(":");
  pen.write(message.stream()).write(":").write(header.sequence);
  pen.write("\r\nBridge-Sequence: ").write(header.sequence);
  pen.write("\r\nBridge-Epoch: ").write(epoch);
  pen.write("\r\nBridge-Connection: ").write(header.connection);
  pen.write("\r\nBridge-Flags: ").write(header.flags);
  pen.write("\r\nBridge-Received: ").write(header.received_ns);
  pen.write("\r\nBridge-Event: ").write(header.event_ns);
  pen.write("\r\nBridge-Sent: ").write(header.sent_ns);
  pen.write("\r\n\r\n");
  return pen.written();
}

/// Subjects are words without spaces; and to NATS `*` and `>` stand for other words.
bool is_subject(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '*' || c == '>'; });
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

NatsPublications::NatsPublications(std::string subject_prefix, std::string inbox)
    : subject_prefix_(std::move(subject_prefix)), reply_prefix_(std::move(inbox) + '.') {}

bool NatsPublications::append(std::string& out, const JetStreamWindow::Message& message,
                              std::uint64_t number, std::size_t max_payload) {
  if (!is_subject(message.stream())) return false;
  if (epoch_.empty() || message.header.epoch_us != epoch_us_) {
    epoch_us_ = message.header.epoch_us;
    epoch_ = std::to_string(epoch_us_);
  }
  const auto headers = write_headers(headers_, message, epoch_);
  const auto payload = message.payload();
  const auto size = headers.size() + payload.size();
  if (size > max_payload) return false;
  make_room(line_, subject_prefix_.size() + message.stream_bytes + reply_prefix_.size());
  Pen pen(line_);
  pen.write("HPUB ").write(subject_prefix_).write(message.stream()).write(" ");
  pen.write(reply_prefix_).write(number).write(" ").write(headers.size()).write(" ").write(size);
  out.append(pen.write(kLineEnd).written()).append(headers).append(payload).append(kLineEnd);
  return true;
}

std::optional<std::uint64_t> NatsPublications::number_of(std::string_view subject) const {
  if (!subject.starts_with(reply_prefix_)) return std::nullopt;
  return number_in<std::uint64_t>(subject.substr(reply_prefix_.size()));
}

std::optional<std::string_view> NatsPublications::stream_of(std::string_view subject) const {
  if (!subject.starts_with(subject_prefix_)) return std::nullopt;
  return subject.substr(subject_prefix_.size());
}

bool is_from_nobody(const NatsOperation& message) {
  return message.headers.starts_with("NATS/1.0 503");
}

std::optional<std::string_view> forbidden_subject(const NatsOperation& error) {
  constexpr std::string_view kBegin = "'Permissions Violation for Publish to \"";
  if (!error.text.starts_with(kBegin)) return std::nullopt;
  const auto subject = error.text.substr(kBegin.size());
  return subject.substr(0, subject.find('"'));
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
