#pragma once

#include "bridge/config/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bpx::bridge {

/// One key of the configuration: its path and the place of its value in a Config. The single list
/// of keys, from which loading, printing and environment names all follow.
struct ConfigKey {
  using Value = std::variant<std::string*, bool*, std::uint64_t*, std::vector<std::string>*>;

  std::string_view path;  ///< `upstream.window_ms`
  Value value;
  std::uint64_t min = 0;  ///< least and greatest value of a number
  std::uint64_t max = 0;

  /// `BRIDGE_UPSTREAM__WINDOW_MS`
  std::string environment_name() const;
};

/// The keys of `config`; the pointers are valid while it lives.
std::vector<ConfigKey> keys_of(Config& config);

/// The paths of the keys in which `a` and `b` differ.
std::vector<std::string_view> differing_paths(Config a, Config b);

/// The known path that `path` was probably meant to be, if one is near.
std::optional<std::string_view> nearest_path(std::string_view path);

}  // namespace bpx::bridge
