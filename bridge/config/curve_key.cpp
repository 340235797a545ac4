#include "bridge/config/curve_key.hpp"

#include "bridge/config/trimmed.hpp"
#include "bridge/readable_file.hpp"
#include "proto/signing_key.hpp"

#include <zmq.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <stdexcept>

namespace bpx::bridge {
namespace {

constexpr std::size_t kZ85Characters = 40;
using Z85 = std::array<char, kZ85Characters + 1>;  // with the end mark

constexpr std::size_t kMaxFileBytes = 4096;
constexpr std::string_view kSpace = " \t\r\n";

/// A text that holds a secret, wiped when it is no longer needed.
struct Secret {
  std::string text;

  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { proto::wipe(text); }
};

/// Takes the next word from `text`; empty at its end.
std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  const auto word = text.substr(0, text.find_first_of(kSpace));
  text.remove_prefix(word.size());
  return word;
}

/// The words of a key file: views of it.
struct Words {
  std::string_view public_key;  ///< empty where the file does not name it
  std::string_view secret_key;
};

std::optional<Words> words_of(std::string_view text) {
  Words words;
  text = trimmed(text);
  for (auto word = next_word(text); !word.empty(); word = next_word(text)) {
    const bool is_named = word == "public_key" || word == "secret_key";
    auto& key = word == "public_key" ? words.public_key : words.secret_key;
    if (!key.empty()) return std::nullopt;
    key = is_named ? next_word(text) : word;
  }
  return words;
}

}  // namespace

CurveKey::~CurveKey() { proto::wipe(secret_key_); }

CurveKey::OrFault CurveKey::from_text(std::string_view text) {
  const auto words = words_of(text);
  if (!words || !is_curve_key(words->secret_key))
    return CurveKeyFault{
        "does not hold a CURVE secret key",
        "make one with `backpack-bridge keygen` and keep both of its lines, or the "
        "40 characters of the secret key alone"};
  CurveKey key({}, std::string(words->secret_key));
  Z85 public_key{};
  if (zmq_curve_public(public_key.data(), key.secret_key_.c_str()) != 0)
    return CurveKeyFault{"is of no use: this libzmq was built without CURVE",
                         "install one that has it"};
  key.public_key_ = public_key.data();
  if (!words->public_key.empty() && words->public_key != key.public_key_)
    return CurveKeyFault{"holds a public key that does not belong to the secret key",
                         "keep both lines of one run of `backpack-bridge keygen`"};
  return key;
}

CurveKey::OrFault CurveKey::from_file(const std::string& path) {
  ReadableFile file(path, ReadableFile::Kind::regular);
  const auto unreadable = [&] {
    return CurveKeyFault{"names a file that " + std::string(file.fault()),
                         "give the path of a file that this user can read"};
  };
  if (!file.is_open()) return unreadable();
  if (file.is_open_to_others()) {
    std::array<char, 8> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", file.mode());
    return CurveKeyFault{
        std::string("names a file that others may read or change (mode ") + mode.data() + ')',
        "chmod 600 it; where a container's platform sets the mode, mount it "
        "read-only"};
  }
  Secret secret;
  if (!file.read_into(secret.text, kMaxFileBytes)) return unreadable();
  if (trimmed(secret.text).empty())
    return CurveKeyFault{"names a file that is empty",
                         "put there what `backpack-bridge keygen` prints"};
  return from_text(secret.text);
}

CurveKey CurveKey::generate() {
  Z85 public_key{};
  Secret secret;
  secret.text.assign(kZ85Characters, '\0');
  if (zmq_curve_keypair(public_key.data(), secret.text.data()) != 0)
    throw std::runtime_error("this libzmq was built without CURVE; install one that has it");
  return {public_key.data(), secret.text};
}

bool is_curve_key(std::string_view text) {
  if (text.size() != kZ85Characters || text.find('\0') != text.npos) return false;
  Secret copy;  // libzmq wants an end mark
  copy.text = text;
  std::array<std::uint8_t, 32> bytes{};
  return zmq_z85_decode(bytes.data(), copy.text.c_str()) != nullptr;
}

}  // namespace bpx::bridge
