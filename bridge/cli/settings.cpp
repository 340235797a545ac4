#include "bridge/cli/settings.hpp"

#include "bridge/cli/secrecy.hpp"
#include "bridge/config/curve_key.hpp"
#include "bridge/config/load.hpp"
#include "bridge/config/validate.hpp"
#include "bridge/one_line.hpp"
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

/// A key that was put in the place of a stream would be asked of the exchange, and shown. Where a
/// symbol follows a dot, as in nearly all names, it may be as long and as mixed as a key.
void check_for_keys(const std::string& path, const std::string& name, Problems& problems) {
  const bool is_key =
      is_curve_key(name) || (name.find('.') == std::string::npos && without_keys(name) != name);
  if (!is_key || std::ranges::find(problems, path, &Problem::path) != problems.end()) return;
  problems.push_back({path, "looks like a key, which is no stream",
                      "give a name such as trade.SOL_USDC; keys have variables of their own"});
}

void check_for_keys(const Config& config, Problems& problems) {
  const auto check_each = [&](const std::string& path, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < names.size(); ++i)
      check_for_keys(path + '[' + std::to_string(i) + ']', names[i], problems);
  };
  check_each("upstream.streams", config.upstream.streams);
  check_each("upstream.on_demand.allow", config.upstream.on_demand.allow);
  check_each("publish.books", config.publish.books);
  check_for_keys("upstream.canary", config.upstream.canary, problems);
}

/// Whether each file could be read. Else whatever seems to be missing may stand there.
bool is_known(const ServerFlags& flags, const Problems& problems) {
  const auto is_at_fault = [&](const std::optional<std::filesystem::path>& file) {
    return file &&
           std::ranges::find(problems, one_line(file->string()), &Problem::path) != problems.end();
  };
  return !is_at_fault(flags.config_file) && !is_at_fault(flags.env_file);
}

EnvFile read_env_file(const ServerFlags& flags, ReadableFile::Kind kind, Problems& problems) {
  return flags.env_file ? EnvFile::read(*flags.env_file, kind, problems) : EnvFile();
}

Settings read_settings(const ServerFlags& flags, const Environment& environment,
                       ReadableFile::Kind file_kind, Problems& problems) {
  Settings settings;
  settings.config = load_config({.file = flags.config_file,
                                 .file_kind = file_kind,
                                 .environment = environment,
                                 .streams = flags.streams,
                                 .log_level = flags.log_level},
                                problems);
  settings.foreign_variables = foreign_variables(environment);
  if (!is_known(flags, problems)) return settings;
  validate(settings.config, problems);
  check_trust_anchors(settings.config, problems);
  check_for_keys(settings.config, problems);
  settings.curve_keys = load_curve_keys(settings.config, problems);
  settings.proxies = ProxyEnvironment::of(environment);
  check_proxy_environment(settings.config, settings.proxies, problems);
  return settings;
}

void hide_keys(Problems& problems) {
  for (auto& [path, wrong, mend] : problems)
    for (auto* text : {&path, &wrong, &mend}) *text = without_keys(*text);
}

}  // namespace

Settings reload_settings(const ServerFlags& flags, Problems& problems) {
  constexpr auto kKind = ReadableFile::Kind::regular;
  const auto file = read_env_file(flags, kKind, problems);
  const Environment environment(environ, file);
  auto settings = read_settings(flags, environment, kKind, problems);
  settings.account_key = find_public_key(environment).value_or("");
  hide_keys(problems);
  return settings;
}

std::optional<Settings> load_settings(const ServerFlags& flags) {
  constexpr auto kKind = ReadableFile::Kind::any;
  Problems problems;
  const auto file = read_env_file(flags, kKind, problems);
  const Environment environment(environ, file);
  auto settings = read_settings(flags, environment, kKind, problems);
  const bool needs_keys = is_known(flags, problems) && wants_private_streams(settings.config);
  settings.credentials = load_credentials(environment, needs_keys, problems);
  forget_secrets(environ);
  hide_keys(problems);
  if (problems.empty()) return settings;
  // One of them may be what was meant.
  warn_of_foreign_variables(settings);
  for (const auto& problem : problems) std::cerr << to_line(problem) << '\n';
  return std::nullopt;
}

void warn_of_foreign_variables(const Settings& settings) {
  if (settings.foreign_variables.empty()) return;
  std::cerr << "warning: " << without_keys(settings.foreign_variables)
            << ": passed over, for without __ no name is the bridge's; those are such as "
               "BRIDGE_UPSTREAM__STREAMS\n";
}

}  // namespace bpx::bridge::cli
