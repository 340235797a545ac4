#include "bridge/config/environment.hpp"

namespace bpx::bridge {

Environment::Environment(const char* const* entries, const EnvFile& file) {
  for (auto entry = entries; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos && equals + 1 < text.size())
      variables_.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : file.variables())
    if (!value.empty()) variables_.emplace(name, value);
}

std::optional<std::string_view> Environment::find(std::string_view name) const {
  const auto found = variables_.find(name);
  return found == variables_.end() ? std::nullopt : std::optional(found->second);
}

Environment::Variables Environment::with_prefix(std::string_view prefix) const {
  auto end = variables_.lower_bound(prefix);
  while (end != variables_.end() && end->first.starts_with(prefix)) ++end;
  return {variables_.lower_bound(prefix), end};
}

}  // namespace bpx::bridge
