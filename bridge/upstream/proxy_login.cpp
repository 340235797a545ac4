#include "bridge/upstream/proxy_login.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace bpx::bridge {
namespace {

constexpr std::string_view kBlank = "***";
constexpr std::size_t kTelling = 4;  ///< bytes; the end of any text may begin like a secret

void blank(std::string& text, std::string_view secret) {
  if (secret.empty()) return;
  for (auto at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at + kBlank.size()))
    text.replace(at, secret.size(), kBlank);
  for (auto size = secret.size() - 1; size >= kTelling; --size) {
    if (!text.ends_with(secret.substr(0, size))) continue;
    text.replace(text.size() - size, size, kBlank);
    return;
  }
}

}  // namespace

std::string basic_login(const std::string& credentials) {
  // And the end mark that OpenSSL writes.
  std::string coded((credentials.size() + 2) / 3 * 4 + 1, '\0');
  ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(coded.data()),
                    reinterpret_cast<const unsigned char*>(credentials.data()),
                    static_cast<int>(credentials.size()));
  coded.pop_back();
  return coded;
}

std::string without_login(std::string text, const std::string& credentials) {
  auto coded = basic_login(credentials);
  coded.resize(coded.find_last_not_of('=') + 1);  // some leave that out
  blank(text, coded);
  const auto colon = std::min(credentials.find(':'), credentials.size());
  auto shorter = std::string_view(credentials).substr(0, colon);
  auto longer = std::string_view(credentials).substr(std::min(colon + 1, credentials.size()));
  if (shorter.size() > longer.size()) std::swap(shorter, longer);
  blank(text, longer);  // first: it may hold the other
  blank(text, shorter);
  return text;
}

}  // namespace bpx::bridge
