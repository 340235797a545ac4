#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::fuzz {

constexpr std::size_t kWindow = 32'768;  ///< how far back a compressed message refers

/// A message, or bytes for WebSocket's own machinery.
struct Come {
  bool is_message;
  std::string bytes;
  bool operator==(const Come&) const = default;
};

struct Expected {
  std::vector<Come> all;
  bool is_faulty = false;               ///< a compressed message is; `all` is what came before
  bool ends_within_compressed = false;  ///< it may be faulty already
};

inline void add_rest(std::vector<Come>& all, std::string_view bytes) {
  if (bytes.empty()) return;
  if (all.empty() || all.back().is_message) all.push_back({false, ""});
  all.back().bytes += bytes;
}

/// A frame as RFC 6455, 5.2 draws it.
struct Frame {
  bool fin, rsv1, rsv2, rsv3, mask;
  unsigned opcode;
  std::string_view header, payload;
  std::uint64_t length;  ///< as it says
  bool has_shortest_length, is_whole;

  bool is_control() const { return opcode >= 8; }
  bool is_data() const { return opcode == 1 || opcode == 2; }
  bool has_no_rsv() const { return !rsv1 && !rsv2 && !rsv3; }
  bool is_sound() const { return !mask && has_shortest_length; }
};

/// Cuts the first frame off; nullopt where its header is not whole.
inline std::optional<Frame> cut_frame(std::string_view& bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  if (bytes.size() < 2) return std::nullopt;
  Frame frame{};
  frame.fin = byte(0) >= 128;
  frame.rsv1 = byte(0) / 64 % 2 == 1;
  frame.rsv2 = byte(0) / 32 % 2 == 1;
  frame.rsv3 = byte(0) / 16 % 2 == 1;
  frame.opcode = byte(0) % 16;
  frame.mask = byte(1) >= 128;
  std::uint64_t length = byte(1) % 128;
  std::size_t header = 2;
  frame.has_shortest_length = true;
  if (length >= 126) {
    const std::size_t last = length == 126 ? 4 : 10;
    if (bytes.size() < last) return std::nullopt;
    for (length = 0; header < last; ++header) length = length * 256 + byte(header);
    frame.has_shortest_length = length >= (last == 4 ? 126U : 65'536U);
  }
  if (frame.mask) header += 4;
  if (bytes.size() < header) return std::nullopt;
  frame.header = bytes.substr(0, header);
  bytes.remove_prefix(header);
  frame.length = length;
  frame.is_whole = length <= bytes.size();
  frame.payload =
      bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(length, bytes.size())));
  bytes.remove_prefix(frame.payload.size());
  return frame;
}

/// RFC 3629: code points decoded, and how they must have been written.
inline bool is_valid_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t more = lead < 0x80   ? 0
                             : lead < 0xc0 ? 9
                             : lead < 0xe0 ? 1
                             : lead < 0xf0 ? 2
                                           : 3;
    if (more > 3 || lead >= 0xf8 || i + more >= text.size()) return false;
    std::uint32_t point = more == 0 ? lead : lead % (64U >> more);
    for (std::size_t j = 1; j <= more; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if (next / 64 != 2) return false;
      point = point * 64 + next % 64;
    }
    constexpr std::uint32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
    if (point < kLeast[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
      return false;
    i += 1 + more;
  }
  return true;
}

/// All at once, with what came `before` as a dictionary; nullopt where the data do not end with
/// `tail`, or there is more than `most`.
inline std::optional<std::string> inflate_with_tail(std::string data, std::string_view tail,
                                                    const std::string& before, std::size_t most) {
  data += tail;
  std::string out;
  for (std::size_t begin = 0; begin < data.size();) {
    auto known = before + out;
    known.erase(0, known.size() - std::min(known.size(), kWindow));
    std::string room(most + 1, '\0');
    z_stream stream{};
    ::inflateInit2(&stream, -MAX_WBITS);
    ::inflateSetDictionary(&stream, reinterpret_cast<Bytef*>(known.data()),
                           static_cast<uInt>(known.size()));
    stream.next_in = reinterpret_cast<Bytef*>(data.data() + begin);
    stream.avail_in = static_cast<uInt>(data.size() - begin);
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    const int result = ::inflate(&stream, Z_FINISH);
    out.append(room, 0, room.size() - stream.avail_out);
    begin = data.size() - stream.avail_in;
    ::inflateEnd(&stream);
    if (result != Z_STREAM_END || out.size() > most) return std::nullopt;
  }
  return out;
}

/// A message is whole where any last block can follow it: here one of each kind that is empty.
inline std::optional<std::string> inflate_whole(const std::string& payload,
                                                const std::string& before, std::size_t most) {
  const auto data = payload + std::string("\x00\x00\xff\xff", 4);
  const auto stored = inflate_with_tail(data, {"\x01\x00\x00\xff\xff", 5}, before, most);
  const auto coded = inflate_with_tail(data, {"\x03\x00", 2}, before, most);
  return stored == coded ? stored : std::nullopt;
}

/// What is to come out where `bytes` have been sent: frame after frame.
inline Expected read_all(std::string_view bytes, bool is_compression_agreed, std::size_t most) {
  Expected expected;
  bool is_within_plain = false, is_text = false;
  std::optional<std::string> compressed;
  std::string inflated;  // the end of all messages so far
  while (const auto frame = cut_frame(bytes)) {
    const bool begins_compressed = is_compression_agreed && !compressed && !is_within_plain &&
                                   frame->is_data() && frame->rsv1 && !frame->rsv2 &&
                                   !frame->rsv3 && frame->is_sound();
    const bool continues_compressed =
        compressed && frame->opcode == 0 && frame->has_no_rsv() && frame->is_sound();
    if (compressed && frame->is_data()) {
      expected.is_faulty = true;
      break;
    }
    if (begins_compressed || continues_compressed) {
      if (begins_compressed) {
        compressed = "";
        is_text = frame->opcode == 1;
      }
      *compressed += frame->payload;
      if (!frame->fin || !frame->is_whole) continue;
      const auto message = inflate_whole(*compressed, inflated, most);
      expected.is_faulty = !message || (is_text && !is_valid_utf8(*message));
      if (expected.is_faulty) break;
      inflated += *message;
      inflated.erase(0, inflated.size() - std::min(inflated.size(), kWindow));
      expected.all.push_back({true, *message});
      compressed.reset();
      continue;
    }
    const bool is_plain = frame->fin && frame->opcode == 1 && frame->has_no_rsv() &&
                          frame->is_sound() && !is_within_plain && frame->length <= most;
    const bool is_close = frame->fin && frame->opcode == 8 && frame->has_no_rsv() &&
                          frame->is_sound() && frame->length <= 125;
    if ((is_plain || is_close) && !frame->is_whole) break;
    if (is_plain && is_valid_utf8(frame->payload)) {
      expected.all.push_back({true, std::string(frame->payload)});
    } else {
      add_rest(expected.all, frame->header);
      add_rest(expected.all, frame->payload);
      if (!frame->is_control()) is_within_plain = !frame->fin;
    }
  }
  expected.ends_within_compressed = compressed.has_value();
  return expected;
}

}  // namespace bpx::fuzz
