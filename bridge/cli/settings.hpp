#pragma once

#include "bridge/cli/commands.hpp"
#include "bridge/config/config.hpp"
#include "bridge/config/credentials.hpp"
#include "bridge/config/curve_settings.hpp"
#include "bridge/config/problem.hpp"
#include "bridge/config/proxy.hpp"

#include <optional>
#include <string>

namespace bpx::bridge::cli {

/// Everything that the server runs on, found valid.
struct Settings {
  Config config;
  std::optional<Credentials> credentials;
  CurveKeys curve_keys;
  std::string account_key;  ///< the public one, of settings that are read once more
  ProxyEnvironment proxies;
  std::string foreign_variables;  ///< see foreign_variables(); of no consequence
};

/// Reads file, environment and `flags`; wipes the account's secret key from the environment. Prints
/// every problem on stderr and returns nullopt if there are any.
std::optional<Settings> load_settings(const ServerFlags& flags);

/// Reads them once more, but for the account's secret key, and appends every problem to `problems`.
/// Where there are any, the settings are of no use. Waits for nobody: files that are not regular
/// count as a problem.
Settings reload_settings(const ServerFlags& flags, Problems& problems);

/// Says on stderr which variables are passed over, if any are.
void warn_of_foreign_variables(const Settings& settings);

}  // namespace bpx::bridge::cli
