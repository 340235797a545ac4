#include "bridge/config/environment.hpp"

namespace bpx::bridge {

std::optional<std::string_view> Environment::find(std::string_view name) const {
  for (const auto& [found, value] : with_prefix(name))
    if (found == name) return value;
  return std::nullopt;
}

std::vector<std::pair<std::string_view, std::string_view>> Environment::with_prefix(
    std::string_view prefix) const {
  std::vector<std::pair<std::string_view, std::string_view>> found;
  for (auto entry = entries_; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const auto equals = text.find('=');
    if (equals != std::string_view::npos && text.starts_with(prefix))
      found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return found;
}

}  // namespace bpx::bridge
