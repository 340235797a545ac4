#pragma once

#include <optional>
#include <string>

namespace bpx::bridge {

/// What keeps an `ipc://` endpoint from being bound, or nothing. To be asked before: ZeroMQ removes
/// whatever stands at the path, be it a file or the socket that another program listens on.
/// Endpoints without a path of their own (`tcp://…`, `ipc://@…`, `ipc://*`) have no such obstacle.
std::optional<std::string> obstacle_to_ipc(const std::string& endpoint);

}  // namespace bpx::bridge
