#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/problem.hpp"

namespace bpx::bridge {

/// Appends everything that is wrong with `config` as a whole to `problems`. Opens no socket; files
/// it only looks at.
void validate(const Config& config, Problems& problems);

/// Whether `config` asks for a stream that needs the account's key.
bool wants_private_streams(const Config& config);

}  // namespace bpx::bridge
