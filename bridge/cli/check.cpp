#include "bridge/cli/commands.hpp"
#include "bridge/cli/secrecy.hpp"
#include "bridge/cli/settings.hpp"
#include "bridge/config/load.hpp"
#include "proto/stream_name.hpp"

#include <algorithm>
#include <iostream>

namespace bpx::bridge::cli {
namespace {

/// What consumers of a CURVE endpoint have to know.
void print_server_key(std::string_view endpoint, const std::optional<CurveKey>& key) {
  if (key)
    std::cerr << "publish." << endpoint << ".curve: server key " << key->public_key() << '\n';
}

}  // namespace

// The configuration goes to stdout and could be saved as a file; remarks go to stderr.
int check(const ServerFlags& flags) {
  const auto settings = load_settings(flags);
  if (!settings) return kMisconfigured;
  warn_of_foreign_variables(*settings);
  auto admitted = settings->config.publish.public_.curve.allow;
  const auto& others = settings->config.publish.private_.curve.allow;
  admitted.insert(admitted.end(), others.begin(), others.end());
  std::cout << to_json(settings->config, [&](const std::string& text) {
    return without_keys(text, admitted);
  }) << '\n';

  const auto& streams = settings->config.upstream.streams;
  const auto account = std::ranges::count_if(streams, proto::is_private_stream);
  std::cerr << "valid: " << std::ssize(streams) - account << " public and " << account
            << " private streams\n";
  if (settings->credentials)
    std::cerr << "credentials: public key " << settings->credentials->key.verifying_key()
              << ", secret key from " << settings->credentials->source << " (not shown)\n";
  print_server_key("public", settings->curve_keys.public_);
  print_server_key("private", settings->curve_keys.private_);
  return kStopped;
}

}  // namespace bpx::bridge::cli
