#include "bridge/cli/settings.hpp"

#include "bridge/config/load.hpp"
#include "bridge/config/validate.hpp"

#include <iostream>

#include <unistd.h>

namespace bpx::bridge::cli {

std::optional<Settings> load_settings(const ServerFlags& flags) {
  const Environment environment(environ);
  Problems problems;
  Settings settings;
  settings.config = load_config({.file = flags.config_file,
                                 .environment = environment,
                                 .streams = flags.streams,
                                 .log_level = flags.log_level},
                                problems);
  validate(settings.config, problems);
  settings.credentials =
      load_credentials(environment, wants_private_streams(settings.config), problems);
  for (const auto& problem : problems) std::cerr << to_line(problem) << '\n';
  if (!problems.empty()) return std::nullopt;
  return settings;
}

}  // namespace bpx::bridge::cli
