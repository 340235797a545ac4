#include "bridge/cli/outbox.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

/// What a pipe that polls as writable takes without blocking (PIPE_BUF of Linux).
constexpr std::size_t kChunk = 4096;

/// So that what is written is freed, and hundreds of lines share an allocation.
constexpr std::size_t kBlock = 16 * kChunk;

}  // namespace

bool Outbox::add(std::string_view line) {
  const auto bytes = line.size() + 1;
  is_full_ = is_full_ || waiting_ + bytes > most_;
  if (is_full_) return false;
  if (blocks_.empty() || blocks_.back().size() + bytes > kBlock)
    blocks_.emplace_back().reserve(std::max(bytes, kBlock));
  blocks_.back().append(line).append(1, '\n');
  waiting_ += bytes;
  return true;
}

void Outbox::flush() {
  while (waiting_ > 0 && !has_failed_ && wait(std::chrono::milliseconds(0))) {
    const auto next = std::string_view(blocks_.front()).substr(written_, kChunk);
    const auto bytes = ::write(descriptor_, next.data(), next.size());
    if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) return;
    has_failed_ = bytes <= 0;
    if (!has_failed_) was_written(static_cast<std::size_t>(bytes));
  }
}

void Outbox::was_written(std::size_t bytes) {
  waiting_ -= bytes;
  written_ += bytes;
  if (written_ == blocks_.front().size()) {
    blocks_.pop_front();
    written_ = 0;
  }
  if (waiting_ <= most_ / 2) is_full_ = false;
}

bool Outbox::wait(std::chrono::milliseconds patience) const {
  pollfd descriptor{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  return poll(&descriptor, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace bpx::bridge::cli
