#include "bridge/readable_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

// With O_NONBLOCK, to open a FIFO is not to wait for a writer.
int open_to_read(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  // Standard input cannot be opened anew where it is a socket, or a file of another user.
  if (descriptor < 0 && path == ReadableFile::kStandardInput)
    return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
  return descriptor;
}

/// Readable while a signal that asks for the program's end is held back.
int descriptor_of_ends() {
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&ends, signal);
  return signalfd(-1, &ends, SFD_CLOEXEC);
}

}  // namespace

ReadableFile::ReadableFile(const std::string& path, Kind kind, std::chrono::milliseconds patience)
    : descriptor_(open_to_read(path)), patience_(patience) {
  if (descriptor_ < 0) {
    error_ = errno;
  } else if (fstat(descriptor_, &status_) != 0) {
    close(errno);
  } else if (S_ISDIR(status_.st_mode)) {
    close(EISDIR);
  } else if (kind == Kind::regular && !S_ISREG(status_.st_mode)) {
    close(EINVAL);
  }
}

ReadableFile::~ReadableFile() { close(0); }

void ReadableFile::close(int error) {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  error_ = error;
  status_ = {};
}

bool ReadableFile::is_absent() const { return error_ == ENOENT; }

std::string_view ReadableFile::fault() const {
  switch (error_) {
    case ENOENT: return "does not exist";
    case EACCES: return "may not be read by this user";
    case EISDIR: return "is a directory";
    case EINVAL: return "is no regular file";
    case ETIMEDOUT: return "was waited for in vain: nothing more came, and no end of it";
    case ECANCELED: return "was waited for until a signal came";
    default: return "cannot be read";
  }
}

bool ReadableFile::is_open_to_others() const {
  constexpr unsigned kReadOrWrite = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
  struct statvfs mount {};
  const bool is_read_only_mount =
      fstatvfs(descriptor_, &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0;
  return (mode() & kReadOrWrite) != 0 && !is_read_only_mount;
}

bool ReadableFile::read_into(std::string& text, std::size_t max_bytes) {
  if (!is_open()) return false;
  text.assign(std::min(max_bytes, room()), '\0');
  std::size_t size = 0;
  while (size < max_bytes) {
    if (size == text.size()) text.resize(max_bytes);
    const auto count =
        wait_for_writer() ? ::read(descriptor_, text.data() + size, text.size() - size) : -1;
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      if (count < 0) error_ = errno;
      text.resize(size);
      return count == 0;
    }
    size += static_cast<std::size_t>(count);
  }
  return true;
}

/// For all of it from the start, and a byte to see its end by: what is read may be a secret, of
/// which a text that grows would leave copies behind.
std::size_t ReadableFile::room() const {
  const bool is_known = S_ISREG(status_.st_mode) && status_.st_size > 0;
  return is_known ? static_cast<std::size_t>(status_.st_size) + 1 : SIZE_MAX;
}

/// Until there is something to read, or its end: at once where it is a regular file.
bool ReadableFile::wait_for_writer() {
  const int signals = descriptor_of_ends();
  std::array<pollfd, 2> waited{{{descriptor_, POLLIN, 0}, {signals, POLLIN, 0}}};
  const int ready = poll(waited.data(), waited.size(), static_cast<int>(patience_.count()));
  const int error = errno;
  if (signals >= 0) ::close(signals);
  errno = ready == 0 ? ETIMEDOUT : ready < 0 ? error : ECANCELED;
  return ready > 0 && waited.front().revents != 0;
}

}  // namespace bpx::bridge
