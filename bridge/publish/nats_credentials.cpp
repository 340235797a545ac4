#include "bridge/publish/nats_credentials.hpp"

#include <nats/nats.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace bpx::bridge {
namespace {

/// The line behind `-----BEGIN <what>-----`.
std::string_view line_after(std::string_view text, std::string_view what) {
  const auto begin = text.find("-----BEGIN " + std::string(what) + "-----");
  if (begin == text.npos) return {};
  text.remove_prefix(std::min(text.size(), text.find('\n', begin)));
  constexpr std::string_view kSpace = " \t\r\n";
  text.remove_prefix(std::min(text.size(), text.find_first_not_of(kSpace)));
  return text.substr(0, text.find_first_of(kSpace));
}

std::string base64url(const unsigned char* bytes, int size) {
  std::string text(static_cast<std::size_t>(size + 2) / 3 * 4 + 1, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, size);
  text.erase(text.find_first_of(std::string_view("=\0", 2)));
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

}  // namespace

std::optional<NatsCredentials> NatsCredentials::parse(std::string_view text) {
  const auto jwt = line_after(text, "NATS USER JWT");
  const auto seed = line_after(text, "USER NKEY SEED");
  if (jwt.empty() || seed.empty()) return std::nullopt;
  return NatsCredentials(jwt, seed);
}

std::optional<std::string> NatsCredentials::sign(const std::string& nonce) const {
  unsigned char* raw_signature = nullptr;
  int size = 0;
  nats_Open(/*lockSpinCount=*/-1);  // which signing does not do by itself
  const auto status = nats_Sign(seed_.c_str(), nonce.c_str(), &raw_signature, &size);
  const std::unique_ptr<unsigned char, decltype(&std::free)> signature(raw_signature, &std::free);
  if (status != NATS_OK) return std::nullopt;
  return base64url(raw_signature, size);
}

NatsCredentials::~NatsCredentials() { OPENSSL_cleanse(seed_.data(), seed_.size()); }

}  // namespace bpx::bridge
