#include "bridge/observe/content_policy.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>

namespace bpx::bridge {
namespace {

/// What is between `<name>` and `</name>`; empty where there is none.
std::string_view inside(std::string_view html, const std::string& name) {
  const auto open = '<' + name + '>';
  const auto begin = html.find(open);
  if (begin == std::string_view::npos) return {};
  html.remove_prefix(begin + open.size());
  return html.substr(0, html.find("</" + name + '>'));
}

std::string hash_source(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::array<unsigned char, 4 * ((SHA256_DIGEST_LENGTH + 2) / 3) + 1> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), digest.size());
  return "'sha256-" + std::string(base64.begin(), base64.end() - 1) + '\'';
}

}  // namespace

std::string policy_of(std::string_view html) {
  return std::string(kNothingAllowed) + "; style-src " + hash_source(inside(html, "style")) +
         "; script-src " + hash_source(inside(html, "script")) +
         "; connect-src 'self'; img-src data:";
}

}  // namespace bpx::bridge
