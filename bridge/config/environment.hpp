#pragma once

#include "bridge/config/env_file.hpp"

#include <map>
#include <optional>
#include <string_view>

namespace bpx::bridge {

/// The variables that are set: a view of a process environment, and behind it of an EnvFile. A
/// variable that is empty counts as unset. Copies nothing, so that no secret is left in a second
/// place. Valid while the texts are.
class Environment {
 public:
  using Variables = std::map<std::string_view, std::string_view>;  ///< value by name

  /// `entries`: `NAME=value` texts, ended by a null pointer, as in `environ`. What they set wins
  /// over `file`, be it that one names a key and the other, as NAME_FILE, the file that holds it.
  explicit Environment(const char* const* entries, const EnvFile& file = EnvFile());

  std::optional<std::string_view> find(std::string_view name) const;

  /// Every variable whose name begins with `prefix`.
  Variables with_prefix(std::string_view prefix) const;

 private:
  Variables variables_;
};

}  // namespace bpx::bridge
