#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bpx::proto {

/// An Ed25519 key. The secret lies in guarded memory of libsodium's:
/// locked against swapping where the system allows, left out of core dumps, wiped on destruction.
/// It leaves this class only as signatures. Not thread safe: one owner, one thread.
class SigningKey {
 public:
  static constexpr std::size_t kSeedBytes = 32;

  /// The caller's copy of the seed is the caller's to wipe.
  static SigningKey from_seed(std::span<const unsigned char, kSeedBytes> seed);

  /// As the exchange issues it: `secret` is standard base64 of the seed. nullopt where it is
  /// anything else.
  static std::optional<SigningKey> from_base64(std::string_view secret);

  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  SigningKey(const SigningKey&) = delete;
  SigningKey& operator=(const SigningKey&) = delete;
  ~SigningKey();

  /// The verifying key, standard base64 with padding: what the exchange calls the API key.
  const std::string& verifying_key() const { return verifying_key_; }

  /// Ed25519 signature of `text`, standard base64 with padding.
  std::string sign(std::string_view text) const;

 private:
  SigningKey() = default;

  struct Wipe {
    void operator()(unsigned char* memory) const;
  };
  std::unique_ptr<unsigned char, Wipe> secret_;
  std::string verifying_key_;
};

/// Overwrites `secret` so that no optimiser leaves it in memory, and empties it.
void wipe(std::string& secret);

/// Whether `text` is standard base64 with padding of exactly 32 bytes.
bool is_base64_of_32_bytes(std::string_view text);

}  // namespace bpx::proto
