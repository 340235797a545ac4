#include "bridge/config/credentials.hpp"

#include <fstream>
#include <iterator>

namespace bpx::bridge {
namespace {

/// The end of a text, behind which an editor or `echo` may have left a line break.
std::string without_trailing_space(std::string text) {
  const auto last = text.find_last_not_of(" \t\r\n");
  text.resize(last == std::string::npos ? 0 : last + 1);
  return text;
}

struct Found {
  std::string value;
  std::string source;
};

class KeyLookup {
 public:
  KeyLookup(const Environment& environment, bool needed, Problems& problems)
      : environment_(environment), needed_(needed), problems_(problems) {}

  /// `name` is PUBLIC_KEY or SECRET_KEY.
  std::optional<Found> find(const std::string& name) {
    const auto variable = "BACKPACK_" + name;
    const auto file_variable = variable + "_FILE";
    const auto value = environment_.find(variable);
    const auto file = environment_.find(file_variable);
    if (value && file) {
      problems_.push_back({variable, "is set beside " + file_variable, "unset one of the two"});
      return std::nullopt;
    }
    if (file) return read_file(file_variable, std::string(*file));
    if (value) return Found{without_trailing_space(std::string(*value)), variable};
    if (!needed_) return std::nullopt;
    if (const auto guide = environment_.find(name))
      return Found{without_trailing_space(std::string(*guide)), name};
    problems_.push_back({variable, "is not set, but a private stream is wanted",
                         "set it or " + file_variable + ", or remove the account.* streams"});
    return std::nullopt;
  }

 private:
  std::optional<Found> read_file(const std::string& variable, const std::string& path) {
    std::ifstream file(path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    if (file) return Found{without_trailing_space(std::move(text)), variable};
    problems_.push_back({variable, "names a file that cannot be read",
                         "check that " + path + " exists and is readable by this user"});
    return std::nullopt;
  }

  const Environment& environment_;
  bool needed_;
  Problems& problems_;
};

}  // namespace

std::optional<Credentials> load_credentials(const Environment& environment, bool needed,
                                            Problems& problems) {
  KeyLookup lookup(environment, needed, problems);
  const auto verifying = lookup.find("PUBLIC_KEY");
  const auto secret = lookup.find("SECRET_KEY");

  constexpr auto kNotAKey = "is not base64 of 32 bytes";
  constexpr auto kMend = "copy the key from the exchange's API settings again, whole";
  if (verifying && !proto::is_base64_of_32_bytes(verifying->value)) {
    problems.push_back({verifying->source, kNotAKey, kMend});
    return std::nullopt;
  }
  if (!secret) return std::nullopt;
  auto key = proto::SigningKey::from_base64(secret->value);
  if (!key) {
    problems.push_back({secret->source, kNotAKey, kMend});
    return std::nullopt;
  }
  if (!verifying) return std::nullopt;
  if (key->verifying_key() != verifying->value) {
    problems.push_back({verifying->source, "does not belong to the secret key",
                        "set both halves of the same key pair"});
    return std::nullopt;
  }
  return Credentials{std::move(*key), secret->source};
}

}  // namespace bpx::bridge
