#include "bridge/upstream/frame_sieve.hpp"

#include "proto/envelope.hpp"
#include "proto/utf8.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace bpx::bridge {
namespace {

/// Room for a hundred messages of the usual length, and more than TLS hands out at once.
constexpr std::size_t kCapacity = std::size_t{64} << 10U;

// RFC 6455, 5.2
constexpr std::uint8_t kFinal = 0x80;
constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kCompressed = 0x40;  // RFC 7692, 6
constexpr std::uint8_t kOpcode = 0x0f;
constexpr std::uint8_t kControl = 0x08;
constexpr std::uint8_t kContinuation = 0;
constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kBinary = 2;
constexpr std::uint8_t kClose = 8;
constexpr std::size_t kMaxControlPayload = 125;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7f;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;
constexpr std::size_t kMaskBytes = 4;

constexpr std::string_view kEndOfAnswer = "\r\n\r\n";

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

/// The head of a frame.
struct FrameSieve::Frame {
  /// nullopt where `bytes` end before it does.
  static std::optional<Frame> parse(std::span<const std::uint8_t> bytes);

  std::uint8_t first = 0;  ///< FIN, reserved bits, opcode
  std::uint8_t second = 0;
  std::size_t header_bytes = 0;
  std::uint64_t payload_bytes = 0;

  bool is_final() const { return (first & kFinal) != 0; }
  std::uint8_t opcode() const { return first & kOpcode; }
  std::uint8_t reserved() const { return first & kReserved; }
  bool begins_message() const { return opcode() == kText || opcode() == kBinary; }
  bool is_close() const {
    return first == (kFinal | kClose) && is_proper() && payload_bytes <= kMaxControlPayload;
  }
  /// As far as can be told without knowing what came before.
  bool is_proper() const { return (second & kMasked) == 0 && is_minimal(); }
  /// Whether its length is written in as few bytes as it takes, as it must be.
  bool is_minimal() const {
    const auto length = second & kLength;
    if (length == kLength64) return payload_bytes > 0xffff;
    return length != kLength16 || payload_bytes >= kLength16;
  }
};

std::optional<FrameSieve::Frame> FrameSieve::Frame::parse(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < 2) return std::nullopt;
  Frame frame{.first = bytes[0], .second = bytes[1], .header_bytes = 2};
  const std::uint8_t length = frame.second & kLength;
  const std::size_t more = length == kLength64 ? 8 : length == kLength16 ? 2 : 0;
  frame.header_bytes += more + ((frame.second & kMasked) != 0 ? kMaskBytes : 0);
  if (bytes.size() < frame.header_bytes) return std::nullopt;
  if (more == 0) frame.payload_bytes = length;
  for (const auto byte : bytes.subspan(2, more))
    frame.payload_bytes = frame.payload_bytes << 8U | byte;
  return frame;
}

FrameSieve::FrameSieve(std::size_t max_message_bytes)
    : max_message_bytes_(max_message_bytes), bytes_(kCapacity + proto::EnvelopeReader::kPadding) {}

void FrameSieve::handshake_is_over(bool is_compression_agreed) {
  is_handshake_ = false;
  if (is_compression_agreed) inflater_.emplace(max_message_bytes_);
}

std::span<const std::uint8_t> FrameSieve::unread() const {
  return {bytes_.data() + begin_, end_ - begin_};
}

std::span<std::uint8_t> FrameSieve::space() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > 0) {  // the beginning of a message: short, as messages go
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {bytes_.data() + end_, kCapacity - end_};
}

/// Whether take_message() will give it as it is, now or when the rest of it is there.
bool FrameSieve::is_sifted_out(const Frame& frame) const {
  return frame.opcode() == kText && frame.is_final() && frame.reserved() == 0 &&
         frame.is_proper() && !is_within_fragments_ && !compressed_ &&
         frame.payload_bytes <= std::min(max_message_bytes_, kCapacity - frame.header_bytes);
}

/// Whether take_message() will inflate it, or find that it breaks into a compressed message, which
/// nobody else could know.
bool FrameSieve::is_of_compressed(const Frame& frame) const {
  if (compressed_)
    return frame.begins_message() ||
           (frame.opcode() == kContinuation && frame.reserved() == 0 && frame.is_proper());
  return inflater_ && frame.begins_message() && frame.reserved() == kCompressed &&
         frame.is_proper() && !is_within_fragments_;
}

std::optional<std::string_view> FrameSieve::take_message() {
  while (!is_handshake_ && rest_bytes_ == 0 && fault_ == Fault::none) {
    if (compressed_ && compressed_->is_within_frame) {
      if (const auto message = take_compressed()) return message;
      if (compressed_->is_within_frame) break;
    }
    const auto frame = Frame::parse(unread());
    if (!frame) break;
    if (is_sifted_out(*frame)) return take_plain(*frame);
    if (!is_of_compressed(*frame)) break;
    begin_frame_of_compressed(*frame);
  }
  return std::nullopt;
}

std::optional<std::string_view> FrameSieve::next_message() const {
  if (is_handshake_ || rest_bytes_ > 0 || fault_ != Fault::none) return std::nullopt;
  const auto bytes = unread();
  const auto frame = Frame::parse(bytes);
  if (!frame || !is_sifted_out(*frame)) return std::nullopt;
  const auto size = static_cast<std::size_t>(frame->payload_bytes);
  if (bytes.size() - frame->header_bytes < size) return std::nullopt;
  return as_text(bytes.subspan(frame->header_bytes, size));
}

std::optional<std::string_view> FrameSieve::take_plain(const Frame& frame) {
  const auto bytes = unread();
  const auto size = static_cast<std::size_t>(frame.payload_bytes);
  if (bytes.size() - frame.header_bytes < size) return std::nullopt;
  const auto message = as_text(bytes.subspan(frame.header_bytes, size));
  if (!proto::is_utf8(message)) {
    rest_bytes_ = frame.header_bytes + size;
    return std::nullopt;
  }
  begin_ += frame.header_bytes + size;
  return message;
}

void FrameSieve::begin_frame_of_compressed(const Frame& frame) {
  if (compressed_ && frame.begins_message()) {
    fault_ = Fault::broken_into;
    return;
  }
  if (!compressed_) compressed_ = Compressed{.is_text = frame.opcode() == kText};
  compressed_->is_within_frame = true;
  compressed_->is_last_frame = frame.is_final();
  compressed_->frame_bytes_left = frame.payload_bytes;
  begin_ += frame.header_bytes;
}

/// Inflates what is there of the frame; gives the message where that ends with it.
std::optional<std::string_view> FrameSieve::take_compressed() {
  const auto part = unread().first(static_cast<std::size_t>(
      std::min<std::uint64_t>(end_ - begin_, compressed_->frame_bytes_left)));
  begin_ += part.size();
  compressed_->frame_bytes_left -= part.size();
  auto result = inflater_->add(part);
  if (result == Inflater::Result::ok && compressed_->frame_bytes_left > 0) return std::nullopt;
  if (result == Inflater::Result::ok && !compressed_->is_last_frame) {
    compressed_->is_within_frame = false;
    return std::nullopt;
  }
  if (result == Inflater::Result::ok) result = inflater_->finish();
  const auto message = inflater_->message();
  if (result != Inflater::Result::ok)
    fault_ = result == Inflater::Result::oversized ? Fault::oversized : Fault::corrupt;
  else if (compressed_->is_text && !proto::is_utf8(message))
    fault_ = Fault::not_utf8;
  if (fault_ != Fault::none) return std::nullopt;
  compressed_.reset();
  return message;
}

std::span<const std::uint8_t> FrameSieve::rest() {
  is_handshake_ ? extend_rest_of_handshake() : extend_rest();
  const auto bytes = unread();
  return bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), rest_bytes_)));
}

void FrameSieve::extend_rest() {
  if (compressed_ && compressed_->is_within_frame) return;
  const auto bytes = unread();
  while (rest_bytes_ < bytes.size()) {
    const auto frame = Frame::parse(bytes.subspan(static_cast<std::size_t>(rest_bytes_)));
    if (!frame || is_sifted_out(*frame) || is_of_compressed(*frame)) return;
    const auto payload_begin = static_cast<std::size_t>(rest_bytes_) + frame->header_bytes;
    if (frame->is_close() && !note_close(*frame, bytes.subspan(payload_begin))) return;
    const auto most = std::numeric_limits<std::uint64_t>::max() - rest_bytes_ - frame->header_bytes;
    rest_bytes_ += frame->header_bytes + std::min(frame->payload_bytes, most);
    if ((frame->opcode() & kControl) == 0) is_within_fragments_ = !frame->is_final();
  }
}

/// Beast keeps the code of a Close frame to itself where it does not know it. False where not all
/// of the payload, which begins `bytes`, is there.
bool FrameSieve::note_close(const Frame& frame, std::span<const std::uint8_t> bytes) {
  if (bytes.size() < frame.payload_bytes) return false;
  const auto payload = bytes.first(static_cast<std::size_t>(frame.payload_bytes));
  if (close_ || payload.size() == 1) return true;
  close_ = Close{};
  if (payload.empty()) return true;
  close_->code = static_cast<std::uint16_t>(payload[0] << 8U | payload[1]);
  close_->reason = as_text(payload.subspan(2));
  return true;
}

bool FrameSieve::Close::can_be_sent() const {
  constexpr std::uint16_t kFirst = 1000, kNoStatus = 1005, kAbnormal = 1006, kTlsHandshake = 1015;
  const bool is_for_local_use = code == kNoStatus || code == kAbnormal || code == kTlsHandshake;
  return code == 0 || (code >= kFirst && !is_for_local_use && proto::is_utf8(reason));
}

/// Up to the end of its header, behind which frames may follow at once. What follows where it
/// turns the handshake down is all for whoever reads that.
void FrameSieve::extend_rest_of_handshake() {
  const auto text = as_text(unread());
  if (is_answered_) {
    if (rest_bytes_ == 0) rest_bytes_ = text.size();
    return;
  }
  const auto end = text.find(kEndOfAnswer);
  is_answered_ = end != std::string_view::npos;
  rest_bytes_ = is_answered_ ? end + kEndOfAnswer.size() : text.size();
  // What may be the beginning of the end waits until that is known.
  for (auto begun = kEndOfAnswer.size() - 1; !is_answered_ && begun > 0; --begun)
    if (text.ends_with(kEndOfAnswer.substr(0, begun))) {
      rest_bytes_ -= begun;
      return;
    }
}

void FrameSieve::taken(std::size_t bytes) {
  begin_ += bytes;
  rest_bytes_ -= bytes;
}

}  // namespace bpx::bridge
