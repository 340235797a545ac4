#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

namespace bpx::bridge {

/// What keeps an `ipc://` endpoint from being bound, or nothing. To be asked before: ZeroMQ removes
/// whatever stands at the path, be it a file or the socket that another program listens on.
/// Endpoints without a path of their own (`tcp://…`, `ipc://@…`, `ipc://*`) have no such obstacle.
std::optional<std::string> obstacle_to_ipc(const std::string& endpoint);

/// The file of an `ipc://` endpoint that this process has bound. Whoever has connected does not
/// need it; whoever is to connect does. One thread.
class SocketFile {
 public:
  /// nullopt where `endpoint` has none: of TCP, or `ipc://@NAME`.
  static std::optional<SocketFile> of(const std::string& endpoint);

  const std::string& endpoint() const { return endpoint_; }

  /// What has become of it, in words for a person, once; nullopt while it is there.
  std::optional<std::string> loss();

 private:
  SocketFile(std::string endpoint, std::string path, dev_t device, ino_t number);

  std::string endpoint_;
  std::string path_;
  dev_t device_;
  ino_t number_;
  bool is_lost_ = false;
};

}  // namespace bpx::bridge
