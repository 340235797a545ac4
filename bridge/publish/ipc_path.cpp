#include "bridge/publish/ipc_path.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace bpx::bridge {
namespace {

/// The error of connecting to the socket at `path`; 0 where somebody accepts.
int connect_error(const std::string& path) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return errno;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const int failed =
      connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = failed != 0 ? errno : 0;
  close(descriptor);
  return error;
}

}  // namespace

std::optional<std::string> obstacle_to_ipc(const std::string& endpoint) {
  constexpr std::string_view kIpc = "ipc://";
  if (!endpoint.starts_with(kIpc)) return std::nullopt;
  const auto path = endpoint.substr(kIpc.size());
  if (path.starts_with('@') || path == "*") return std::nullopt;

  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return std::nullopt;
  if (!S_ISSOCK(found.st_mode)) return "something that is no socket stands there";
  const int error = connect_error(path);
  // Nobody listens: the socket was left behind by a program that is gone.
  if (error == ECONNREFUSED || error == ENOENT) return std::nullopt;
  // A queue that is full (EAGAIN) and a socket of another kind are somebody's too.
  const bool is_forbidden = error == EACCES || error == EPERM;
  return std::generic_category().message(is_forbidden ? error : EADDRINUSE);
}

}  // namespace bpx::bridge
