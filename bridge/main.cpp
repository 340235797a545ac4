#include "bridge/cli/commands.hpp"
#include "bridge/cli/process.hpp"
#include "bridge/cli/secrecy.hpp"
#include "bridge/cli/tail_socket.hpp"
#include "bridge/one_line.hpp"
#include "bridge/revision.hpp"
#include "bridge/signals.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <new>
#include <sstream>
#include <string>

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

/// With the commit, where the build was told it.
std::string version() {
  std::string text = "backpack-bridge " BPX_VERSION;
  if (!bpx::bridge::revision().empty())
    text.append(" (").append(bpx::bridge::revision()).append(")");
  return text;
}

/// Where the configuration is, for what runs on it or asks about it. `Flags` have these in common.
template <typename Flags>
void add_source_options(CLI::App& app, Flags& flags) {
  app.add_option("--config", flags.config_file, "Configuration, a JSON file")->type_name("FILE");
  app.add_option("--env-file", flags.env_file,
                 "Variables, one KEY=VALUE a line; those of the environment win")
      ->type_name("FILE");
}

/// The options of `run`, which is also what happens without any command; `check` shares them.
void add_server_options(CLI::App& app, ServerFlags& flags) {
  add_source_options(app, flags);
  app.add_option("--stream", flags.streams, "Stream to carry; repeat, or separate by commas")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warn or error")
      ->type_name("L");
}

/// Whether an option before `command` would be lost: it is no option of `command`, or given behind
/// it again. `shares` says whether the two have theirs in common.
bool loses_options(const CLI::App& app, const CLI::App& command, bool shares) {
  const auto is_lost = [&](const CLI::Option* option) {
    return option->count() > 0 && (!shares || command.get_option(option->get_name())->count() > 0);
  };
  const auto options = app.get_options();
  return std::ranges::any_of(options, is_lost);
}

void add_healthcheck_options(CLI::App& healthcheck, HealthcheckFlags& flags) {
  healthcheck
      .add_option("--url", flags.url,
                  "What to GET; without it, /readyz at the http.bind of this configuration")
      ->type_name("URL");
  add_source_options(healthcheck, flags);
}

/// Of digits alone, and no more than fit.
bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 20 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

void add_tail_options(CLI::App& tail, TailFlags& flags) {
  tail.add_option("TOPIC", flags.topics,
                  "Exact topics, or prefixes ending in *; without any, every stream");
  tail.add_option("--connect", flags.endpoints, "Endpoint of the bridge; repeat for several")
      ->type_name("ENDPOINT")
      ->allow_extra_args(false)
      ->check([](const std::string& text) {
        return can_be_connected_to(text) ? "" : "give tcp://HOST:PORT or ipc://PATH";
      })
      ->capture_default_str();
  tail.add_option("--count", flags.count, "End after N messages, with status 0 if they came")
      ->type_name("N")
      ->check([](const std::string& text) {
        return is_number(text) && text.find_first_not_of('0') != std::string::npos
                   ? ""
                   : "give a whole number above 0, of 19 digits at most";
      });
  tail.add_option_function<std::string>(
          "--format",
          [&flags](const std::string& name) {
            flags.format = name == "raw" ? TailFormat::raw : TailFormat::pretty;
          },
          "pretty: aligned columns; raw: the payload alone")
      ->check(CLI::IsMember({"pretty", "raw"}).description(""))
      ->type_name("pretty|raw");
  auto* const server_key = tail.add_option("--curve-server-key", flags.curve_server_key,
                                           "The bridge's public key, where the endpoint has CURVE")
                               ->type_name("Z85");
  tail.add_option("--curve-secret-key-file", flags.curve_secret_key_file,
                  "This client's key, as keygen prints it; without it, a new pair")
      ->type_name("FILE")
      ->needs(server_key);
  tail.add_option(
          "--replay", flags.replay_from,
          "Begin with what the bridge keeps of each TOPIC from sequence FROM on, or with the "
          "`last` message")
      ->type_name("FROM")
      ->check([](const std::string& text) {
        return is_number(text) || text == "last" ? "" : "give a sequence number, or last";
      });
  tail.add_option("--book", flags.book,
                  "Show the order book of a depth stream: on a terminal kept up to date, elsewhere "
                  "once")
      ->type_name("STREAM");
}

/// `text`, of several lines, without what would steer a terminal: it quotes what it was given.
std::string harmless(const std::string& text) {
  std::istringstream lines(text);
  std::string kept;
  for (std::string line; std::getline(lines, line);) kept += bpx::bridge::one_line(line) + '\n';
  return kept;
}

/// `status`, once all that a command has printed is written.
int finished(int status) {
  std::cout.flush();
  if (std::cout) return status;
  std::cerr << "backpack-bridge: cannot write to standard output; nothing of it may have arrived\n";
  return kCannotRun;
}

/// The status of a command line that is wrong. To whom runs health checks, such as Docker, only 0
/// and 1 mean something.
int misuse(const CLI::App& healthcheck) {
  return healthcheck.parsed() ? kCannotRun : kMisconfigured;
}

}  // namespace

int main(int argc, char** argv) try {
  keep_standard_streams();
  outlive_full_files();
  end_where_memory_runs_out();
  bpx::bridge::hold_signals();  // until it is known what they would interrupt
  seal_memory();                // whatever the command, it may be given a key
  ServerFlags server_flags;
  TailFlags tail_flags;
  HealthcheckFlags healthcheck_flags;
  CLI::App app(kDescription, "backpack-bridge");
  app.footer(kFooter);
  app.set_version_flag("--version", version());
  app.require_subcommand(0, 1);
  add_server_options(app, server_flags);

  auto* run_command = app.add_subcommand("run", "Carry the streams (what happens by default)");
  auto* check_command =
      app.add_subcommand("check", "Validate everything and print the effective configuration");
  for (auto* command : {run_command, check_command}) add_server_options(*command, server_flags);
  auto* tail_command = app.add_subcommand("tail", "Subscribe like a consumer and print messages");
  add_tail_options(*tail_command, tail_flags);
  auto* healthcheck_command =
      app.add_subcommand("healthcheck", "Ask a bridge whether it is ready; status 0 if it is");
  add_healthcheck_options(*healthcheck_command, healthcheck_flags);
  app.add_subcommand("keygen", "Print a new CURVE key pair (Z85)");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream fault;
    const bool is_fault = app.exit(error, std::cout, fault) != 0;
    std::cerr << without_keys(harmless(fault.str()));
    return is_fault ? misuse(*healthcheck_command) : finished(kStopped);
  }
  const auto commands = app.get_subcommands();
  if (!commands.empty() && loses_options(app, *commands.front(), *run_command || *check_command)) {
    std::cerr << "backpack-bridge: give the options of a command behind it\n";
    return misuse(*healthcheck_command);
  }
  if (commands.empty() || *run_command) return run(server_flags);
  bpx::bridge::release_signals();
  if (*check_command) return finished(check(server_flags));
  if (*tail_command) return finished(tail_flags.book ? tail_book(tail_flags) : tail(tail_flags));
  if (*healthcheck_command) return healthcheck(healthcheck_flags);
  return finished(keygen());
} catch (const std::bad_alloc&) {
  std::cerr << kOutOfMemory;
  return kCannotRun;
} catch (const std::exception& error) {
  std::cerr << "backpack-bridge: " << without_keys(bpx::bridge::one_line(error.what())) << '\n';
  return kCannotRun;
}
