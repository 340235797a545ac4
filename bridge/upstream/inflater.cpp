#define ZLIB_CONST

#include "bridge/upstream/inflater.hpp"

#include "proto/envelope.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace bpx::bridge {
namespace {

constexpr std::size_t kFirstRoom = std::size_t{64} << 10U;
constexpr std::size_t kPadding = proto::EnvelopeReader::kPadding;

/// Blocks without the header of zlib's own format, with the largest window there is.
constexpr int kRawDeflate = -MAX_WBITS;

/// What compressing makes longer, by a few bytes a block, stays far below twice as long. Beyond, it
/// is of blocks that hold nothing, which may go on for ever.
constexpr std::size_t kMostCompressed = 2;
constexpr std::size_t kMostOfNothing = std::size_t{64} << 10U;

/// What the sender leaves out at the end of a message: RFC 7692, 7.2.2.
constexpr std::array<std::uint8_t, 4> kEndOfMessage{0x00, 0x00, 0xff, 0xff};

/// The bit of z_stream::data_type that says that a block has just ended.
constexpr int kAtEndOfBlock = 128;

void end_inflating(z_stream* stream) {
  ::inflateEnd(stream);
  delete stream;
}

}  // namespace

Inflater::Inflater(std::size_t max_message_bytes)
    : stream_(new z_stream{}, end_inflating), max_message_bytes_(max_message_bytes) {
  if (::inflateInit2(stream_.get(), kRawDeflate) != Z_OK) throw std::bad_alloc();
}

Inflater::Result Inflater::add(std::span<const std::uint8_t> part) {
  if (is_finished_) size_ = compressed_size_ = 0;
  is_finished_ = false;
  compressed_size_ += part.size();
  if (compressed_size_ > max_message_bytes_ * kMostCompressed + kMostOfNothing)
    return Result::oversized;
  return inflate(part, Until::needs_more);
}

Inflater::Result Inflater::finish() {
  is_finished_ = true;
  return inflate(kEndOfMessage, Until::block_ends);
}

std::string_view Inflater::message() const {
  return {reinterpret_cast<const char*>(bytes_.data()), size_};
}

Inflater::Result Inflater::inflate(std::span<const std::uint8_t> part, Until until) {
  stream_->next_in = part.data();
  stream_->avail_in = static_cast<uInt>(part.size());
  for (;;) {
    if (!make_room()) return Result::oversized;
    const auto room = stream_->avail_out;
    const int result =
        ::inflate(stream_.get(), until == Until::block_ends ? Z_BLOCK : Z_SYNC_FLUSH);
    size_ += room - stream_->avail_out;
    if (size_ > max_message_bytes_) return Result::oversized;
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    // A block may call itself the last one, and others follow all the same, which may refer back to
    // it: RFC 7692, 7.2.3.4. What it begins anew with is not documented, but keeps the window.
    if (result == Z_STREAM_END)
      ::inflateResetKeep(stream_.get());
    else if (result != Z_OK && result != Z_BUF_ERROR)
      return Result::corrupt;
    if (stream_->avail_in > 0) continue;
    // A message that is cut short may inflate without an error; but it does not end with a block.
    if (until == Until::block_ends && (stream_->data_type & kAtEndOfBlock) != 0) return Result::ok;
    if (stream_->avail_out > 0) return until == Until::block_ends ? Result::corrupt : Result::ok;
  }
}

/// False at the bound, of which one byte more is inflated to know that there is more.
bool Inflater::make_room() {
  auto capacity = bytes_.empty() ? 0 : bytes_.size() - kPadding;
  if (size_ == capacity) {
    if (capacity > max_message_bytes_) return false;
    capacity = std::min(std::max(kFirstRoom, capacity * 2), max_message_bytes_ + 1);
    bytes_.resize(capacity + kPadding);
  }
  stream_->next_out = bytes_.data() + size_;
  stream_->avail_out =
      static_cast<uInt>(std::min<std::size_t>(capacity - size_, std::numeric_limits<uInt>::max()));
  return true;
}

}  // namespace bpx::bridge
