#include "bridge/publish/ipc_path.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <system_error>
#include <utility>

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

/// Of an endpoint's file; empty where it has none of its own.
std::string path_of(const std::string& endpoint) {
  constexpr std::string_view kIpc = "ipc://";
  if (!endpoint.starts_with(kIpc)) return {};
  auto path = endpoint.substr(kIpc.size());
  return path.starts_with('@') || path == "*" ? std::string() : path;
}

}  // namespace

std::optional<std::string> obstacle_to_ipc(const std::string& endpoint) {
  const auto path = path_of(endpoint);
  if (path.empty()) return std::nullopt;
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

SocketFile::SocketFile(std::string endpoint, std::string path, dev_t device, ino_t number)
    : endpoint_(std::move(endpoint)), path_(std::move(path)), device_(device), number_(number) {}

std::optional<SocketFile> SocketFile::of(const std::string& endpoint) {
  auto path = path_of(endpoint);
  struct stat found {};
  if (path.empty() || lstat(path.c_str(), &found) != 0) return std::nullopt;
  return SocketFile(endpoint, std::move(path), found.st_dev, found.st_ino);
}

std::optional<std::string> SocketFile::loss() {
  if (is_lost_) return std::nullopt;
  struct stat found {};
  if (lstat(path_.c_str(), &found) != 0) {
    is_lost_ = errno == ENOENT || errno == ENOTDIR;  // else it may well be there
    return is_lost_ ? std::optional<std::string>("it was removed") : std::nullopt;
  }
  is_lost_ = found.st_dev != device_ || found.st_ino != number_;
  return is_lost_ ? std::optional<std::string>("something else stands there") : std::nullopt;
}

}  // namespace bpx::bridge
