#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/curve_key.hpp"
#include "bridge/config/problem.hpp"

#include <optional>

namespace bpx::bridge {

/// The server keys of the endpoints that have CURVE.
struct CurveKeys {
  std::optional<CurveKey> public_;
  std::optional<CurveKey> private_;
};

/// What stands under `allow` for any client that knows the server's public key.
inline constexpr auto kAnyClient = "*";

/// Appends what is wrong with `publish.*.curve` to `problems`, but for the key files, which it does
/// not read.
void validate_curve(const Config& config, Problems& problems);

/// Reads the key files that `config` names and appends what is wrong with them to `problems`.
CurveKeys load_curve_keys(const Config& config, Problems& problems);

}  // namespace bpx::bridge
