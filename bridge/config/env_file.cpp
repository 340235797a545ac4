#include "bridge/config/env_file.hpp"

#include "bridge/config/trimmed.hpp"
#include "bridge/one_line.hpp"
#include "proto/signing_key.hpp"

#include <algorithm>
#include <optional>
#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;
constexpr std::string_view kBlanks = " \t";

/// A text that may hold keys, wiped when it is no longer needed.
struct Secret {
  std::string text;

  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { proto::wipe(text); }
};

struct Assignment {
  std::string_view name, value;
};

/// What stands between quotation marks, of which `text` begins with one; nullopt where there is no
/// second, or more than a comment behind it.
std::optional<std::string_view> quoted(std::string_view text) {
  const auto end = text.find(text.front(), 1);
  if (end == std::string_view::npos) return std::nullopt;
  const auto rest = trimmed(text.substr(end + 1));
  if (!rest.empty() && rest.front() != '#') return std::nullopt;
  return text.substr(1, end - 1);
}

std::string_view without_comment(std::string_view text) {
  for (auto hash = text.find('#'); hash != std::string_view::npos; hash = text.find('#', hash + 1))
    if (hash == 0 || kBlanks.find(text[hash - 1]) != std::string_view::npos)
      return trimmed(text.substr(0, hash));
  return text;
}

std::optional<Assignment> parse_line(std::string_view line) {
  constexpr std::string_view kExport = "export";
  const auto equals = line.find('=');
  if (equals == std::string_view::npos || line.find('\0') != std::string_view::npos)
    return std::nullopt;
  auto name = trimmed(line.substr(0, equals));
  if (const auto blank = name.find_first_of(kBlanks);
      blank != std::string_view::npos && name.substr(0, blank) == kExport)
    name = trimmed(name.substr(blank));
  if (name.empty() || name.find_first_of(" \t\"'#") != std::string_view::npos) return std::nullopt;
  const auto value = trimmed(line.substr(equals + 1));
  if (value.empty() || (value.front() != '"' && value.front() != '\''))
    return Assignment{name, without_comment(value)};
  const auto inside = quoted(value);
  return inside ? std::optional(Assignment{name, *inside}) : std::nullopt;
}

}  // namespace

EnvFile EnvFile::read(const std::filesystem::path& path, ReadableFile::Kind kind,
                      Problems& problems) {
  EnvFile variables;
  const auto place = one_line(path.string());
  ReadableFile file(path, kind);
  Secret secret;
  if (!file.is_open() || !file.read_into(secret.text, kMaxBytes + 1)) {
    problems.push_back(
        {place, std::string(file.fault()), "give --env-file a file that this user can read"});
    return variables;
  }
  if (secret.text.size() > kMaxBytes) {
    problems.push_back({place, "holds more than 1 MiB", "check that it is a file of variables"});
    return variables;
  }
  std::string_view rest = secret.text;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = trimmed(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.empty() || line.front() == '#') continue;
    if (const auto assignment = parse_line(line))
      variables.set(assignment->name, assignment->value);
    else
      problems.push_back({place + ':' + std::to_string(number), "is not a line like KEY=VALUE",
                          "write one, with the whole value in quotation marks or in none; comments "
                          "begin with #"});
  }
  return variables;
}

void EnvFile::set(std::string_view name, std::string_view value) {
  const auto [known, is_new] = places_.try_emplace(std::string(name), variables_.size());
  if (is_new) variables_.push_back({std::string(name), {}});
  auto& variable = variables_[known->second];
  proto::wipe(variable.value);
  variable.value = value;
}

EnvFile& EnvFile::operator=(EnvFile&& other) noexcept {
  std::swap(variables_, other.variables_);
  std::swap(places_, other.places_);
  return *this;
}

EnvFile::~EnvFile() {
  for (auto& variable : variables_) proto::wipe(variable.value);
}

}  // namespace bpx::bridge
