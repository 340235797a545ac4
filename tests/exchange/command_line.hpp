#pragma once

#include "tests/exchange/exchange_options.hpp"

#include <optional>

namespace bpx::exchange {

/// What `simulated-exchange` is told on its command line: either options to run with, or nothing to
/// run and the status to exit with.
struct CommandLine {
  std::optional<ExchangeOptions> options;
  int exit_status = 0;
};

/// Prints help, the wrong argument, or nothing.
CommandLine parse_command_line(int argc, char** argv);

}  // namespace bpx::exchange
