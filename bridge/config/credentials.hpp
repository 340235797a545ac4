#pragma once

#include "bridge/config/environment.hpp"
#include "bridge/config/problem.hpp"
#include "proto/signing_key.hpp"

#include <optional>
#include <string>

namespace bpx::bridge {

/// The account's key, and where it was found.
struct Credentials {
  proto::SigningKey key;
  std::string source;  ///< the variable that held the secret key, e.g. `BACKPACK_SECRET_KEY_FILE`
};

/// Reads the key pair from `BACKPACK_PUBLIC_KEY` and `BACKPACK_SECRET_KEY`, from files that these
/// names with `_FILE` behind them tell, or else from `PUBLIC_KEY` and `SECRET_KEY` as in the
/// exchange's guide.
///
/// `needed` says whether a private stream is wanted: then a missing key is a problem too. Without
/// need a file that does not exist or is empty counts as unset, and the guide's names, which other
/// programs may use for other things, are not looked at.
/// Problems name variables, never values.
std::optional<Credentials> load_credentials(const Environment& environment, bool needed,
                                            Problems& problems);

/// What stands in `BACKPACK_PUBLIC_KEY` or in the file that it names with `_FILE` behind it, for
/// who wants to know whether it is still the same. Waits for nobody. nullopt where there is
/// nothing, or nothing that can be read.
std::optional<std::string> find_public_key(const Environment& environment);

}  // namespace bpx::bridge
