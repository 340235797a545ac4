#include "bridge/app.hpp"
#include "bridge/cli/commands.hpp"
#include "bridge/cli/settings.hpp"

#include <csignal>
#include <exception>
#include <iostream>

namespace bpx::bridge::cli {

int run(const ServerFlags& flags) {
  auto settings = load_settings(flags);
  if (!settings) return kMisconfigured;
  std::signal(SIGPIPE, SIG_IGN);  // a log reader that ends must not end the bridge
  try {
    App app(settings->config, std::move(settings->credentials), {});
    app.run(/*handles_signals=*/true);
    return kStopped;
  } catch (const std::exception& error) {
    std::cerr << "backpack-bridge: " << error.what() << '\n';
    return kCannotRun;
  }
}

}  // namespace bpx::bridge::cli
