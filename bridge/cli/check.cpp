#include "bridge/cli/commands.hpp"
#include "bridge/cli/settings.hpp"
#include "bridge/config/load.hpp"
#include "proto/stream_name.hpp"

#include <algorithm>
#include <iostream>

namespace bpx::bridge::cli {

// The configuration goes to stdout and could be saved as a file; remarks go to stderr.
int check(const ServerFlags& flags) {
  const auto settings = load_settings(flags);
  if (!settings) return kMisconfigured;
  std::cout << to_json(settings->config) << '\n';

  const auto& streams = settings->config.upstream.streams;
  const auto account = std::ranges::count_if(streams, proto::is_private_stream);
  std::cerr << "valid: " << std::ssize(streams) - account << " public and " << account
            << " private streams\n";
  if (settings->credentials)
    std::cerr << "credentials: public key " << settings->credentials->key.verifying_key()
              << ", secret key from " << settings->credentials->source << " (not shown)\n";
  return kStopped;
}

}  // namespace bpx::bridge::cli
