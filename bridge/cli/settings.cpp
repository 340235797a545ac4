#include "bridge/cli/settings.hpp"

#include "bridge/cli/secrecy.hpp"
#include "bridge/config/load.hpp"
#include "bridge/config/validate.hpp"
#include "bridge/upstream/tls_context.hpp"

#include <algorithm>
#include <iostream>

#include <unistd.h>

namespace bpx::bridge::cli {

namespace {

/// Whether the file that validate() has found to exist holds certificates is TLS's to say.
void check_trust_anchors(const Config& config, Problems& problems) {
  const auto is_at_fault = [](const Problem& problem) {
    return problem.path == "upstream.ca_file";
  };
  if (config.upstream.ca_file.empty() || std::ranges::any_of(problems, is_at_fault)) return;
  if (const auto fault = TlsContext::fault_of(config.upstream.ca_file))
    problems.push_back({"upstream.ca_file", "holds no certificate that can be read: " + *fault,
                        "give a readable PEM file of trust anchors, or leave it out"});
}

Settings read_settings(const ServerFlags& flags, ReadableFile::Kind file_kind, Problems& problems) {
  Settings settings;
  settings.config = load_config({.file = flags.config_file,
                                 .file_kind = file_kind,
                                 .environment = Environment(environ),
                                 .streams = flags.streams,
                                 .log_level = flags.log_level},
                                problems);
  validate(settings.config, problems);
  check_trust_anchors(settings.config, problems);
  settings.curve_keys = load_curve_keys(settings.config, problems);
  settings.proxies = ProxyEnvironment::of(Environment(environ));
  check_proxy_environment(settings.config, settings.proxies, problems);
  for (auto& [path, wrong, mend] : problems)
    for (auto* text : {&path, &wrong, &mend}) *text = without_keys(*text);
  return settings;
}

}  // namespace

Settings reload_settings(const ServerFlags& flags, Problems& problems) {
  return read_settings(flags, ReadableFile::Kind::regular, problems);
}

std::optional<Settings> load_settings(const ServerFlags& flags) {
  Problems problems;
  auto settings = read_settings(flags, ReadableFile::Kind::any, problems);
  settings.credentials =
      load_credentials(Environment(environ), wants_private_streams(settings.config), problems);
  forget_secrets(environ);
  for (const auto& problem : problems) std::cerr << to_line(problem) << '\n';
  if (!problems.empty()) return std::nullopt;
  return settings;
}

}  // namespace bpx::bridge::cli
