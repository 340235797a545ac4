#pragma once

#include "bridge/cli/commands.hpp"
#include "bridge/config/config.hpp"
#include "bridge/config/credentials.hpp"

#include <optional>

namespace bpx::bridge::cli {

/// Everything that the server runs on, found valid.
struct Settings {
  Config config;
  std::optional<Credentials> credentials;
};

/// Reads file, environment and `flags`. Prints every problem on stderr and returns nullopt if there
/// are any.
std::optional<Settings> load_settings(const ServerFlags& flags);

}  // namespace bpx::bridge::cli
