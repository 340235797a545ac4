#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/environment.hpp"
#include "bridge/config/problem.hpp"
#include "bridge/readable_file.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bpx::bridge {

/// Where a configuration comes from, weakest first: file, environment, flags.
struct ConfigSources {
  std::optional<std::filesystem::path> file;
  ReadableFile::Kind file_kind = ReadableFile::Kind::any;
  Environment environment;
  std::vector<std::string> streams;      ///< `--stream`, replace the list where given; take commas
  std::optional<std::string> log_level;  ///< `--log-level`
};

/// Reads every source over the defaults and appends what cannot be read to `problems`: bad JSON,
/// unknown keys, values of the wrong type or out of range. Whether the values make sense together
/// is validate()'s business.
Config load_config(const ConfigSources& sources, Problems& problems);

/// The names of variables that look like the bridge's and are not, since no `__` is in them, with
/// commas between: orchestrators tell of a service called `bridge` in such, as in
/// `BRIDGE_PORT=tcp://…`. load_config() passes over them.
std::string foreign_variables(const Environment& environment);

/// `config` as JSON that load_config() accepts, in ASCII: a path may hold what steers a terminal.
/// It holds no secrets: the proxy's credentials are left out, and no others enter a Config.
/// `shown`, where there is one: what to show in place of each text.
std::string to_json(const Config& config,
                    const std::function<std::string(const std::string&)>& shown = {});

}  // namespace bpx::bridge
