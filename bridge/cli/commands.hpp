#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace bpx::bridge::cli {

/// Exit statuses of the program.
inline constexpr int kStopped = 0;    ///< stopped on request, or done
inline constexpr int kCannotRun = 1;  ///< a port is taken, memory is short, something did not come
inline constexpr int kMisconfigured = 2;  ///< the configuration or the command line is wrong;
                                          ///< to `healthcheck` that is 1 too

/// What `run` and `check` are told on the command line.
struct ServerFlags {
  std::optional<std::filesystem::path> config_file;
  std::optional<std::filesystem::path> env_file;
  std::vector<std::string> streams;
  std::optional<std::string> log_level;
};

enum class TailFormat : std::uint8_t { pretty, raw };

/// What `tail` is told on the command line.
struct TailFlags {
  std::vector<std::string>
      topics;  ///< exact names, or prefixes ending in `*`; all streams if empty
  std::vector<std::string> endpoints = {"tcp://127.0.0.1:5555"};
  std::optional<std::uint64_t> count;  ///< end after so many messages
  TailFormat format = TailFormat::pretty;
  std::optional<std::string> curve_server_key;       ///< where the endpoint has CURVE
  std::optional<std::string> curve_secret_key_file;  ///< this client's; else a pair is made
  std::optional<std::string> replay_from;  ///< a sequence, or `last`: begin with what is kept
  std::optional<std::string> book;  ///< show the book of this depth stream instead: on a terminal
                                    ///< kept up to date in place, elsewhere once
};

/// What `healthcheck` is told on the command line.
struct HealthcheckFlags {
  std::optional<std::string> url;  ///< the local bridge's /readyz where not given
  /// What that bridge is configured by.
  std::optional<std::filesystem::path> config_file;
  std::optional<std::filesystem::path> env_file;
};

// One function a command; each returns the exit status.
/// Signals are to be held, see signals.hpp.
int run(const ServerFlags& flags);
int check(const ServerFlags& flags);
int tail(const TailFlags& flags);
int tail_book(const TailFlags& flags);
int healthcheck(const HealthcheckFlags& flags);
int keygen();

}  // namespace bpx::bridge::cli
