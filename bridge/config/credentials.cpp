#include "bridge/config/credentials.hpp"

#include "bridge/config/trimmed.hpp"
#include "bridge/readable_file.hpp"

#include <string>
#include <utility>

namespace bpx::bridge {
namespace {

/// A key as it was found. Wiped when it is no longer needed.
class Found {
 public:
  Found(std::string text, std::string source)
      : text_(std::move(text)), source_(std::move(source)) {}
  Found(Found&&) = default;
  Found& operator=(Found&&) = default;
  Found(const Found&) = delete;
  Found& operator=(const Found&) = delete;
  ~Found() { proto::wipe(text_); }

  std::string_view value() const { return trimmed(text_); }
  const std::string& source() const { return source_; }

 private:
  std::string text_;
  std::string source_;
};

constexpr std::size_t kMaxKeyFileBytes = 4096;

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
    if (value) return Found(std::string(*value), variable);
    if (!needed_) return std::nullopt;
    if (const auto guide = environment_.find(name)) return Found(std::string(*guide), name);
    problems_.push_back({variable, "is not set, but a private stream is wanted",
                         "set it or " + file_variable + ", or remove the account.* streams"});
    return std::nullopt;
  }

 private:
  // Without need a file that is empty or not there counts as an empty variable: a container has to
  // name some file, whether a key is there or not.
  // Never says the path: where somebody put the key itself in its place, that would show it.
  std::optional<Found> read_file(const std::string& variable, const std::string& path) {
    ReadableFile file(path, ReadableFile::Kind::any);
    if (file.is_absent()) return lacking(variable, "names a file that does not exist");
    std::string text;
    if (!file.is_open() || !file.read_into(text, kMaxKeyFileBytes)) {
      problems_.push_back({variable, "names a file that " + std::string(file.fault()),
                           "give the path of a file that this user can read"});
      return std::nullopt;
    }
    Found found(std::move(text), variable);
    if (found.value().empty()) return lacking(variable, "names a file that is empty");
    return found;
  }

  std::optional<Found> lacking(const std::string& variable, const std::string& wrong) {
    if (needed_)
      problems_.push_back(
          {variable, wrong, "put the key there, or give the path of the file that holds it"});
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
  const auto note_no_key = [&](const Found& found) {
    if (keeps_quotes(found.value()))
      problems.push_back(
          {found.source(), "keeps its quotation marks", "give the key without them"});
    else
      problems.push_back({found.source(), "is not base64 of 32 bytes",
                          "copy the key from the exchange's API settings again, whole"});
  };

  const bool is_verifying_key = verifying && proto::is_base64_of_32_bytes(verifying->value());
  if (verifying && !is_verifying_key) note_no_key(*verifying);
  auto key = secret ? proto::SigningKey::from_base64(secret->value()) : std::nullopt;
  if (secret && !key) note_no_key(*secret);
  if (!key || !is_verifying_key) return std::nullopt;
  if (key->verifying_key() != verifying->value()) {
    problems.push_back({verifying->source(), "does not belong to the secret key",
                        "set both halves of the same key pair"});
    return std::nullopt;
  }
  return Credentials{std::move(*key), secret->source()};
}

std::optional<std::string> find_public_key(const Environment& environment) {
  const auto value = environment.find("BACKPACK_PUBLIC_KEY");
  if (value) return std::string(trimmed(*value));
  const auto path = environment.find("BACKPACK_PUBLIC_KEY_FILE");
  if (!path) return std::nullopt;
  ReadableFile file(std::string(*path), ReadableFile::Kind::regular);
  std::string text;
  if (!file.read_into(text, kMaxKeyFileBytes)) return std::nullopt;
  return std::string(trimmed(text));
}

}  // namespace bpx::bridge
