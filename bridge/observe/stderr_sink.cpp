#include "bridge/observe/stderr_sink.hpp"

#include <algorithm>
#include <string>

#include <poll.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

/// What a pipe that polls as writable takes without blocking (PIPE_BUF of Linux).
constexpr std::size_t kChunk = 4096;

constexpr int kPatienceMs = 1'000;

}  // namespace

void StderrSink::write(std::string_view line) {
  if (dropped_ > 0) {
    if (!write_all("(" + std::to_string(dropped_) + " log lines were dropped here)\n")) {
      ++dropped_;
      return;
    }
    dropped_ = 0;
  }
  if (!write_all(std::string(line) + '\n')) ++dropped_;
}

bool StderrSink::write_all(std::string_view text) {
  while (!text.empty()) {
    pollfd descriptor{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    is_stuck_ = ::poll(&descriptor, 1, is_stuck_ ? 0 : kPatienceMs) <= 0;
    if (is_stuck_) return false;
    const auto written = ::write(STDERR_FILENO, text.data(), std::min(text.size(), kChunk));
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace bpx::bridge
