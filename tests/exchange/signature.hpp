#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// Whether `signature` (base64 of 64 bytes) is the Ed25519 signature of `text` by the owner of
/// `verifying_key` (base64 of 32 bytes). Standard alphabet, padded; anything else verifies nothing.
/// Done by OpenSSL, so that the bridge, which signs by libsodium, is not checked against itself.
bool verifies(std::string_view verifying_key, std::string_view signature, std::string_view text);

/// Judges the `signature` member of a SUBSCRIBE: key, signature, timestamp (Unix ms), window (ms).
class SignatureCheck {
 public:
  static constexpr std::chrono::milliseconds kLongestWindow{60'000};

  /// `accepted_keys` in base64; empty: any key.
  explicit SignatureCheck(std::vector<std::string> accepted_keys);

  /// True where all four hold: known key, window within 1 to 60000 ms, timestamp within the window
  /// around `now_us` (Unix microseconds), signature of
  /// `instruction=subscribe&timestamp=…&window=…`.
  bool accepts(const std::vector<std::string>& signature, std::int64_t now_us) const;

 private:
  std::vector<std::string> accepted_keys_;
};

}  // namespace bpx::exchange
