// What the client of these tests asks for.
#include "tests/integration/exchange/exchange_client.hpp"

#include <nlohmann/json.hpp>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

namespace bpx::exchange {
namespace {

constexpr const char* kSecret = "TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=";

std::string sign(const std::string& text) {
  std::array<unsigned char, 33> seed{};
  EVP_DecodeBlock(seed.data(), reinterpret_cast<const unsigned char*>(kSecret), 44);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), 32), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::array<unsigned char, 64> signature{};
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size,
                     reinterpret_cast<const unsigned char*>(text.data()), text.size()) != 1) {
    throw std::runtime_error("cannot sign");
  }
  std::array<unsigned char, 89> encoded{};
  EVP_EncodeBlock(encoded.data(), signature.data(), static_cast<int>(signature.size()));
  return reinterpret_cast<const char*>(encoded.data());
}

}  // namespace

ClientOptions client_of(const SimulatedExchange& exchange) {
  return {.port = exchange.port(), .ca_pem = exchange.ca_pem()};
}

std::string subscribe_request(const std::vector<std::string>& streams) {
  return nlohmann::json{{"method", "SUBSCRIBE"}, {"params", streams}}.dump();
}

std::string signed_subscribe_request(const std::vector<std::string>& streams,
                                     std::int64_t timestamp_ms, std::int64_t window_ms) {
  const std::string timestamp = std::to_string(timestamp_ms);
  const std::string window = std::to_string(window_ms);
  const std::string signature =
      sign("instruction=subscribe&timestamp=" + timestamp + "&window=" + window);
  return nlohmann::json{{"method", "SUBSCRIBE"},
                        {"params", streams},
                        {"signature", {kVerifyingKey, signature, timestamp, window}}}
      .dump();
}

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace bpx::exchange
