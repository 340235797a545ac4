#include "bridge/config/readable_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace bpx::bridge {

ReadableFile::ReadableFile(const std::string& path, Kind kind)
    // Without O_NONBLOCK, to open a FIFO is to wait for a writer.
    : descriptor_(
          open(path.c_str(), O_RDONLY | O_CLOEXEC | (kind == Kind::regular ? O_NONBLOCK : 0))),
      is_absent_(descriptor_ < 0 && errno == ENOENT) {
  if (descriptor_ < 0) return;
  const bool is_known = fstat(descriptor_, &status_) == 0;
  if (!is_known || (kind == Kind::regular && !S_ISREG(status_.st_mode))) close();
}

ReadableFile::~ReadableFile() { close(); }

void ReadableFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
  status_ = {};
}

bool ReadableFile::is_open_to_others() const {
  constexpr unsigned kReadOrWrite = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH;
  struct statvfs mount {};
  const bool is_read_only_mount =
      fstatvfs(descriptor_, &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0;
  return (mode() & kReadOrWrite) != 0 && !is_read_only_mount;
}

bool ReadableFile::read_into(std::string& text, std::size_t max_bytes) const {
  text.assign(max_bytes, '\0');
  std::size_t size = 0;
  while (size < max_bytes) {
    const auto count = ::read(descriptor_, text.data() + size, max_bytes - size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      text.resize(size);
      return count == 0;
    }
    size += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace bpx::bridge
