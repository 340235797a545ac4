#include "bridge/app.hpp"
#include "bridge/cli/commands.hpp"
#include "bridge/cli/process.hpp"
#include "bridge/cli/secrecy.hpp"
#include "bridge/cli/settings.hpp"
#include "bridge/one_line.hpp"
#include "bridge/signals.hpp"

#include <csignal>
#include <exception>
#include <iostream>
#include <new>
#include <utility>

namespace bpx::bridge::cli {
namespace {

Reading read_again(const ServerFlags& flags) {
  Reading reading;
  auto settings = reload_settings(flags, reading.problems);
  reading.config = std::move(settings.config);
  reading.curve_keys = std::move(settings.curve_keys);
  reading.account_key = std::move(settings.account_key);
  return reading;
}

}  // namespace

int run(const ServerFlags& flags) {
  open_many_files();
  auto settings = load_settings(flags);
  if (!settings) return is_asked_to_end() ? kStopped : kMisconfigured;
  std::signal(SIGPIPE, SIG_IGN);  // a log reader that ends must not end the bridge
  try {
    App app(settings->config, std::move(settings->credentials), settings->curve_keys,
            {.proxies = settings->proxies,
             .foreign_variables = without_keys(settings->foreign_variables),
             .read_again = [&flags] { return read_again(flags); }});
    settings->curve_keys = {};  // libzmq has copied what it needs
    app.run(/*handles_signals=*/true);
    return kStopped;
  } catch (const std::bad_alloc&) {
    std::cerr << kOutOfMemory;
    return kCannotRun;
  } catch (const std::exception& error) {
    std::cerr << "backpack-bridge: " << without_keys(one_line(error.what())) << '\n';
    return kCannotRun;
  }
}

}  // namespace bpx::bridge::cli
