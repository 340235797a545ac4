#include "tests/exchange/signature.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

namespace bpx::exchange {
namespace {

using Bytes = std::vector<unsigned char>;

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Decodes strictly: EVP_DecodeBlock forgives white space and counts padding as zero bytes, so what
/// it decodes must encode to the same text again.
std::optional<Bytes> decode_base64(std::string_view text, std::size_t expected_bytes) {
  const std::size_t encoded_size = (expected_bytes + 2) / 3 * 4;
  if (text.size() != encoded_size) return std::nullopt;
  Bytes decoded(encoded_size / 4 * 3);
  if (EVP_DecodeBlock(decoded.data(), bytes_of(text), static_cast<int>(text.size())) < 0) {
    return std::nullopt;
  }
  decoded.resize(expected_bytes);
  std::string again(encoded_size + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(again.data()), decoded.data(),
                  static_cast<int>(decoded.size()));
  again.resize(encoded_size);
  if (again != text) return std::nullopt;
  return decoded;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

bool verifies(std::string_view verifying_key, std::string_view signature, std::string_view text) {
  const auto key_bytes = decode_base64(verifying_key, kKeyBytes);
  const auto signature_bytes = decode_base64(signature, kSignatureBytes);
  if (!key_bytes || !signature_bytes) return false;

  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key_bytes->data(), key_bytes->size()),
      &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature_bytes->data(), signature_bytes->size(),
                          bytes_of(text), text.size()) == 1;
}

SignatureCheck::SignatureCheck(std::vector<std::string> accepted_keys)
    : accepted_keys_(std::move(accepted_keys)) {}

bool SignatureCheck::accepts(const std::vector<std::string>& signature, std::int64_t now_us) const {
  if (signature.size() != 4) return false;
  const std::string& key = signature[0];
  if (!accepted_keys_.empty() &&
      std::find(accepted_keys_.begin(), accepted_keys_.end(), key) == accepted_keys_.end()) {
    return false;
  }
  const auto timestamp = whole_number(signature[2]);
  const auto window = whole_number(signature[3]);
  if (!timestamp || *timestamp < 0 || !window) return false;
  if (*window < 1 || *window > kLongestWindow.count()) return false;
  if (std::abs(now_us / 1000 - *timestamp) > *window) return false;
  return verifies(key, signature[1],
                  "instruction=subscribe&timestamp=" + signature[2] + "&window=" + signature[3]);
}

}  // namespace bpx::exchange
