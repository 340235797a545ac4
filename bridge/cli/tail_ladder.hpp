#pragma once

#include "bridge/cli/commands.hpp"
#include "bridge/cli/tail_keys.hpp"

#include <optional>
#include <string>

namespace bpx::bridge::cli {

/// Shows the book of the depth stream whose topic is flags.book on the terminal that stdout is, and
/// keeps it up to date in place until interrupted. Returns the exit status.
int tail_ladder(const TailFlags& flags, const std::optional<TailKeys>& keys);

}  // namespace bpx::bridge::cli
