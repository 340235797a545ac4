#include "bridge/cli/secrecy.hpp"

#include <algorithm>
#include <array>

namespace bpx::bridge::cli {
namespace {

constexpr std::string_view kHidden = "(looks like a key, not shown)";

constexpr std::array<std::string_view, 2> kSecretVariables = {"BACKPACK_SECRET_KEY=",
                                                              "SECRET_KEY="};

/// Of capitals and small letters, as an address or a word of such a length hardly ever is.
bool has_both_cases(std::string_view text) {
  const auto has = [&](char first, char last) {
    return std::ranges::any_of(text, [&](char c) { return c >= first && c <= last; });
  };
  return has('A', 'Z') && has('a', 'z');
}

/// Of digits too: then a path is no such thing either.
bool is_mixed(std::string_view text) {
  return has_both_cases(text) && text.find_first_of("0123456789") != text.npos;
}

/// A way to write down 32 bytes; in the one of NATS, base32, three others belong to them.
struct Form {
  std::string_view alphabet;
  std::size_t characters;                                 ///< that 32 bytes make, without padding
  bool has_padding;                                       ///< one = may follow
  bool (*is_key)(std::string_view text, bool is_padded);  ///< of so many characters or more
};

constexpr std::size_t kZ85Characters = 40;

/// Z85 has most of the characters of paths and URLs. These it has, too, but they hardly ever have.
/// % and \ are there for base64 that was escaped for a URL or by JSON.
constexpr std::string_view kUnlikeAnAddress = "^!<>(){}$*@%\\";

constexpr std::array kForms = {
    Form{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 43, true,
         [](std::string_view text, bool is_padded) { return is_padded || is_mixed(text); }},
    Form{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 43, true,
         [](std::string_view text, bool) { return is_mixed(text); }},
    Form{"ABCDEFabcdef0123456789", 64, false, [](std::string_view, bool) { return true; }},
    Form{"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 58, false,
         [](std::string_view, bool) { return true; }},
    Form{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:+=^!/*?&<>()[]{}@%$#\\",
         kZ85Characters, false, [](std::string_view text, bool) {
           return has_both_cases(text) && (text.find_first_of(kUnlikeAnAddress) != text.npos ||
                                           (text.size() == kZ85Characters && is_mixed(text)));
         }}};

std::string without_keys_in(const Form& form, std::string_view text,
                            const std::vector<std::string>& public_keys) {
  const auto holds_public_key = [&](std::string_view run) {
    return std::ranges::any_of(public_keys, [&](const std::string& key) {
      return key.size() == kZ85Characters && run.find(key) != run.npos;
    });
  };
  std::string kept;
  while (!text.empty()) {
    const auto run = text.substr(0, text.find_first_not_of(form.alphabet));
    text.remove_prefix(run.size());
    const bool is_padded = form.has_padding && text.starts_with('=');
    const bool is_key =
        run.size() >= form.characters && form.is_key(run, is_padded) && !holds_public_key(run);
    kept += is_key ? kHidden : run;
    if (is_key && is_padded) text.remove_prefix(1);
    const auto between = text.substr(0, text.find_first_of(form.alphabet));
    kept += between;
    text.remove_prefix(between.size());
  }
  return kept;
}

}  // namespace

std::string without_keys(std::string_view text, const std::vector<std::string>& public_keys) {
  std::string kept(text);
  for (const auto& form : kForms) kept = without_keys_in(form, kept, public_keys);
  return kept;
}

void forget_secrets(char** environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    for (const auto variable : kSecretVariables)
      if (entry.starts_with(variable))
        std::fill(*environment + variable.size(), *environment + entry.size(), '\0');
  }
}

}  // namespace bpx::bridge::cli
