#include "proto/signing_key.hpp"

#include <sodium.h>

#include <array>
#include <new>
#include <stdexcept>

namespace bpx::proto {
namespace {

using Seed = std::array<unsigned char, SigningKey::kSeedBytes>;
static_assert(crypto_sign_SEEDBYTES == 32 && crypto_sign_PUBLICKEYBYTES == 32);

bool decode_32_bytes(std::string_view text, Seed& out) {
  std::size_t length = 0;
  const char* end = nullptr;
  return sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, &end,
                           sodium_base64_VARIANT_ORIGINAL) == 0 &&
         length == out.size() && end == text.data() + text.size();
}

template <std::size_t N>
std::string encode(const std::array<unsigned char, N>& bytes) {
  std::array<char, sodium_base64_ENCODED_LEN(N, sodium_base64_VARIANT_ORIGINAL)> text;
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  return text.data();
}

}  // namespace

void SigningKey::Wipe::operator()(unsigned char* memory) const { sodium_free(memory); }

SigningKey::SigningKey(SigningKey&&) noexcept = default;
SigningKey& SigningKey::operator=(SigningKey&&) noexcept = default;
SigningKey::~SigningKey() = default;

SigningKey SigningKey::from_seed(std::span<const unsigned char, kSeedBytes> seed) {
  if (sodium_init() < 0) throw std::runtime_error("libsodium cannot be initialised");
  SigningKey key;
  // sodium_malloc locks the pages where RLIMIT_MEMLOCK allows and marks them MADV_DONTDUMP.
  key.secret_.reset(static_cast<unsigned char*>(sodium_malloc(crypto_sign_SECRETKEYBYTES)));
  if (!key.secret_) throw std::bad_alloc();
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> verifying_key;
  crypto_sign_seed_keypair(verifying_key.data(), key.secret_.get(), seed.data());
  sodium_mprotect_readonly(key.secret_.get());
  key.verifying_key_ = encode(verifying_key);
  return key;
}

std::optional<SigningKey> SigningKey::from_base64(std::string_view secret) {
  Seed seed;
  std::optional<SigningKey> key;
  if (decode_32_bytes(secret, seed)) key = from_seed(seed);
  sodium_memzero(seed.data(), seed.size());
  return key;
}

std::string SigningKey::sign(std::string_view text) const {
  std::array<unsigned char, crypto_sign_BYTES> signature;
  crypto_sign_detached(signature.data(), nullptr,
                       reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                       secret_.get());
  return encode(signature);
}

void wipe(std::string& secret) {
  sodium_memzero(secret.data(), secret.capacity());
  secret.clear();
}

bool is_base64_of_32_bytes(std::string_view text) {
  Seed bytes;
  const bool is = decode_32_bytes(text, bytes);
  sodium_memzero(bytes.data(), bytes.size());
  return is;
}

}  // namespace bpx::proto
