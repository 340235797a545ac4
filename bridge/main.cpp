#include "bridge/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <iostream>

namespace {

using namespace bpx::bridge::cli;

constexpr auto kDescription =
    "Holds the one WebSocket to the Backpack exchange and republishes every message over ZeroMQ.\n"
    "\n"
    "  backpack-bridge --stream trade.SOL_USDC --stream depth.SOL_USDC\n"
    "  backpack-bridge tail 'trade.*'\n";

constexpr auto kFooter =
    "Keys of private streams come from BACKPACK_PUBLIC_KEY and BACKPACK_SECRET_KEY, or from files\n"
    "that the same names with _FILE behind them tell. Every key of the configuration can be set "
    "in\n"
    "the environment: upstream.streams is BRIDGE_UPSTREAM__STREAMS. Exit status: 0 stopped on\n"
    "request, 1 cannot run, 2 the configuration is wrong.";

/// The options of `run`, which is also what happens without any command; `check` shares them.
void add_server_options(CLI::App& app, ServerFlags& flags) {
  app.add_option("--config", flags.config_file, "Configuration, a JSON file")->type_name("FILE");
  app.add_option("--stream", flags.streams, "Stream to carry; repeat for several")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warn or error")
      ->type_name("L");
}

void add_tail_options(CLI::App& tail, TailFlags& flags) {
  tail.add_option("TOPIC", flags.topics,
                  "Exact topics, or prefixes ending in *; without any, every stream");
  tail.add_option("--connect", flags.endpoints, "Endpoint of the bridge; repeat for several")
      ->type_name("ENDPOINT")
      ->allow_extra_args(false)
      ->capture_default_str();
  tail.add_option("--count", flags.count, "End after N messages, with status 0 if they came")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  tail.add_option("--format", flags.format, "pretty: aligned columns; raw: the payload alone")
      ->transform(CLI::CheckedTransformer(std::map<std::string, TailFormat>{
          {"pretty", TailFormat::pretty}, {"raw", TailFormat::raw}}))
      ->type_name("pretty|raw");
}

}  // namespace

int main(int argc, char** argv) try {
  ServerFlags server_flags;
  TailFlags tail_flags;
  CLI::App app(kDescription, "backpack-bridge");
  app.footer(kFooter);
  app.set_version_flag("--version", "backpack-bridge " BPX_VERSION);
  app.require_subcommand(0, 1);
  add_server_options(app, server_flags);

  auto* run_command = app.add_subcommand("run", "Carry the streams (what happens by default)");
  auto* check_command =
      app.add_subcommand("check", "Validate everything and print the effective configuration");
  for (auto* command : {run_command, check_command}) add_server_options(*command, server_flags);
  auto* tail_command = app.add_subcommand("tail", "Subscribe like a consumer and print messages");
  add_tail_options(*tail_command, tail_flags);
  auto* keygen_command = app.add_subcommand("keygen", "Print a new CURVE key pair (Z85)");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kStopped : kMisconfigured;
  }
  if (*check_command) return check(server_flags);
  if (*tail_command) return tail(tail_flags);
  if (*keygen_command) return keygen();
  return run(server_flags);
} catch (const std::exception& error) {
  std::cerr << "backpack-bridge: " << error.what() << '\n';
  return kCannotRun;
}
