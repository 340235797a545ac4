#include "bridge/config/environment.hpp"

#include <string>

namespace bpx::bridge {
namespace {

/// What says the same as `name` in another way: a key itself, or the file that it is in.
std::string twin_of(std::string_view name) {
  constexpr std::string_view kFile = "_FILE";
  return name.ends_with(kFile) ? std::string(name.substr(0, name.size() - kFile.size()))
                               : std::string(name).append(kFile);
}

}  // namespace

Environment::Environment(const char* const* entries, const EnvFile& file) {
  for (auto entry = entries; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos && equals + 1 < text.size())
      variables_.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  Variables behind;
  for (const auto& [name, value] : file.variables())
    if (!value.empty() && !variables_.contains(twin_of(name))) behind.emplace(name, value);
  variables_.merge(behind);
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
