#pragma once

#include <cerrno>
#include <string_view>

namespace bpx::bridge {

/// What to do where an endpoint cannot be bound, by the system's error.
inline std::string_view bind_mend(int error) {
  switch (error) {
    case EADDRINUSE: return "stop or remove what holds it, or configure another endpoint";
    case EACCES:
    case EPERM:
    case EROFS: return "take a port above 1023, or a folder that this user may write to";
    case EADDRNOTAVAIL:
    case ENODEV: return "give an address of this machine, or one that stands for all of them";
    case ENOENT:
    case ENOTDIR: return "make its folder first, or configure another endpoint";
    case ENAMETOOLONG: return "give a shorter path";
    case EAFNOSUPPORT: return "give an IPv4 address: this machine has no other";
    case EMFILE:
    case ENFILE: return "raise the limit of open files (LimitNOFILE, ulimit -n)";
    default: return "configure another endpoint";
  }
}

}  // namespace bpx::bridge
