#pragma once

#include <sys/stat.h>

namespace bpx::bridge {

/// Another umask for the process, for as long as this lives. It is that of all threads: none of
/// them is to create files meanwhile.
class ScopedUmask {
 public:
  explicit ScopedUmask(mode_t mask) : before_(umask(mask)) {}
  ScopedUmask(const ScopedUmask&) = delete;
  ScopedUmask& operator=(const ScopedUmask&) = delete;
  ~ScopedUmask() { umask(before_); }

  mode_t before() const { return before_; }

 private:
  mode_t before_;
};

}  // namespace bpx::bridge
