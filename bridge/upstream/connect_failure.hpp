#pragma once

#include "bridge/observe/vocabulary.hpp"

#include <chrono>
#include <string>

namespace bpx::bridge {

/// Why there is no connection; or `ok`.
struct ConnectFailure {
  ConnectResult result = ConnectResult::ok;
  std::string detail;
  std::chrono::milliseconds at_least{0};  ///< the next attempt is not wanted before
};

}  // namespace bpx::bridge
