#pragma once

#include "bridge/cli/commands.hpp"
#include "bridge/config/curve_key.hpp"
#include "bridge/config/problem.hpp"

#include <optional>
#include <string>

namespace bpx::bridge::cli {

/// By what `tail` gets into an endpoint with CURVE.
struct TailKeys {
  std::string server_key;  ///< public, Z85
  CurveKey own;            ///< of this client; made for the occasion where `flags` name no file
};

/// The keys that `flags` ask for, nullopt where they ask for none. Appends what is wrong with them
/// to `problems`.
std::optional<TailKeys> load_tail_keys(const TailFlags& flags, Problems& problems);

/// Prints `problems`, whose paths are options, on stderr. Returns whether there are any.
bool report(const Problems& problems);

}  // namespace bpx::bridge::cli
