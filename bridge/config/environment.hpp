#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace bpx::bridge {

/// A view of a process environment: `NAME=value` texts, ended by a null pointer, as in `environ`.
/// Copies nothing, so that no secret is left in a second place. Valid while the texts are.
class Environment {
 public:
  explicit Environment(const char* const* entries) : entries_(entries) {}

  std::optional<std::string_view> find(std::string_view name) const;

  /// Name and value of every variable whose name begins with `prefix`, in the environment's order.
  std::vector<std::pair<std::string_view, std::string_view>> with_prefix(
      std::string_view prefix) const;

 private:
  const char* const* entries_;
};

}  // namespace bpx::bridge
