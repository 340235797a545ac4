#pragma once

#include <zlib.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bpx::test {

/// Compresses messages as a server does (permessage-deflate, RFC 7692).
class Deflater {
 public:
  /// With `takes_context_over`, a message may refer back to those before it.
  explicit Deflater(bool takes_context_over, int window_bits = MAX_WBITS,
                    int level = Z_DEFAULT_COMPRESSION)
      : takes_context_over_(takes_context_over) {
    if (::deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, MAX_MEM_LEVEL,
                       Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::runtime_error("zlib has no memory");
  }
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater() { ::deflateEnd(&stream_); }

  /// What the frames of a compressed message carry.
  std::string payload_of(std::string_view message) {
    if (message.empty()) return std::string(1, '\0');  // zlib sees nothing to do
    auto payload = deflate(message, Z_SYNC_FLUSH);
    payload.erase(payload.size() - 4);  // 00 00 ff ff, which goes without saying
    if (!takes_context_over_) ::deflateReset(&stream_);
    return payload;
  }

  /// Likewise, but its last block says that no other follows.
  std::string payload_with_last_block_of(std::string_view message) {
    auto payload = deflate(message, Z_FINISH);
    ::deflateReset(&stream_);
    return payload + '\0';  // the beginning of an empty block
  }

 private:
  std::string deflate(std::string_view message, int flush) {
    std::string text(message);
    std::string deflated(::deflateBound(&stream_, text.size()) + 64, '\0');
    stream_.next_in = reinterpret_cast<Bytef*>(text.data());
    stream_.avail_in = static_cast<uInt>(text.size());
    stream_.next_out = reinterpret_cast<Bytef*>(deflated.data());
    stream_.avail_out = static_cast<uInt>(deflated.size());
    ::deflate(&stream_, flush);
    if (stream_.avail_in > 0 || stream_.avail_out == 0)
      throw std::logic_error("zlib's bound is too low");
    return deflated.substr(0, deflated.size() - stream_.avail_out);
  }

  bool takes_context_over_;
  z_stream stream_{};
};

}  // namespace bpx::test
