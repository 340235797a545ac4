#include "bridge/observe/stderr_sink.hpp"

#include "bridge/observe/log_line.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <poll.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

/// What a pipe that polls as writable takes without blocking (PIPE_BUF of Linux).
constexpr std::size_t kChunk = 4096;

constexpr int kPatienceMs = 1'000;

}  // namespace

StderrSink::~StderrSink() {
  is_stuck_ = false;
  if (dropped_ > 0) write_line(notice());
}

void StderrSink::write(std::string_view line) {
  if (dropped_ > 0 && write_line(notice())) dropped_ = 0;
  if (dropped_ > 0 || !write_line(line)) ++dropped_;
}

std::string StderrSink::notice() const {
  const auto now = std::chrono::system_clock::now();
  const Log::Fields fields = {{"count", dropped_}};
  return format_ == LogFormat::json ? json_line(now, LogLevel::warn, "log lines dropped", fields)
                                    : text_line(now, LogLevel::warn, "log lines dropped", fields);
}

bool StderrSink::write_line(std::string_view line) {
  const std::string start = is_mid_line_ ? "\n" : "";  // of a line that was cut off
  return write_all(start + std::string(line) + '\n');
}

bool StderrSink::write_all(std::string_view text) {
  while (!text.empty()) {
    pollfd descriptor{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    const int ready = ::poll(&descriptor, 1, is_stuck_ ? 0 : kPatienceMs);
    if (ready < 0 && errno == EINTR) continue;
    is_stuck_ = ready <= 0;
    if (is_stuck_) return false;
    const auto written = ::write(STDERR_FILENO, text.data(), std::min(text.size(), kChunk));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    is_mid_line_ = text[static_cast<std::size_t>(written) - 1] != '\n';
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace bpx::bridge
