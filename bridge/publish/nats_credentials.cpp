#include "bridge/publish/nats_credentials.hpp"

#include "bridge/readable_file.hpp"

#include <boost/crc.hpp>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

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

/// https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth:
/// what it is for, the seed itself, and a checksum of both, in base32 without padding.
class DecodedSeed {
 public:
  explicit DecodedSeed(std::string_view text) : is_whole_(decode(text)) {}
  DecodedSeed(const DecodedSeed&) = delete;
  DecodedSeed& operator=(const DecodedSeed&) = delete;
  ~DecodedSeed() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  bool is_of_a_user() const {
    constexpr unsigned char kSeed = 18U << 3U;  // "S" in base32
    constexpr unsigned char kUser = 20U << 3U;  // "U"
    return is_whole_ && bytes_[0] == (kSeed | (kUser >> 5U)) &&
           bytes_[1] == static_cast<unsigned char>(kUser << 3U) && checksum() == written_checksum();
  }

  std::span<const unsigned char, proto::SigningKey::kSeedBytes> seed() const {
    return std::span(bytes_).subspan<kPrefixBytes, proto::SigningKey::kSeedBytes>();
  }

 private:
  static constexpr std::size_t kPrefixBytes = 2;
  static constexpr std::size_t kChecked = kPrefixBytes + proto::SigningKey::kSeedBytes;
  static constexpr std::size_t kBytes = kChecked + sizeof(std::uint16_t);
  static constexpr unsigned kDigitBits = 5;  // of base32

  bool decode(std::string_view text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    if (text.size() != (kBytes * 8 + kDigitBits - 1) / kDigitBits) return false;
    unsigned bits = 0;
    unsigned bit_count = 0;
    auto* byte = bytes_.begin();
    for (const char digit : text) {
      const auto value = kDigits.find(digit);
      if (value == kDigits.npos) return false;
      bits = (bits << kDigitBits) | static_cast<unsigned>(value);
      bit_count += kDigitBits;
      if (bit_count < 8) continue;
      bit_count -= 8;
      *byte++ = static_cast<unsigned char>(bits >> bit_count);
    }
    return true;
  }

  std::uint16_t checksum() const {
    boost::crc_xmodem_t sum;
    sum.process_bytes(bytes_.data(), kChecked);
    return static_cast<std::uint16_t>(sum.checksum());
  }

  std::uint16_t written_checksum() const {
    return static_cast<std::uint16_t>(bytes_[kChecked] | bytes_[kChecked + 1] << 8U);
  }

  std::array<unsigned char, kBytes> bytes_{};
  bool is_whole_;
};

}  // namespace

std::optional<NatsCredentials> NatsCredentials::read(const std::string& path) {
  constexpr std::size_t kMostBytes = 65'536;
  ReadableFile file(path, ReadableFile::Kind::regular);
  std::string text;
  auto credentials =
      file.is_open() && file.read_into(text, kMostBytes) ? parse(text) : std::nullopt;
  proto::wipe(text);
  return credentials;
}

std::optional<NatsCredentials> NatsCredentials::parse(std::string_view text) {
  const auto jwt = line_after(text, "NATS USER JWT");
  const DecodedSeed seed(line_after(text, "USER NKEY SEED"));
  if (jwt.empty() || !seed.is_of_a_user()) return std::nullopt;
  return NatsCredentials(jwt, proto::SigningKey::from_seed(seed.seed()));
}

std::string NatsCredentials::sign(std::string_view nonce) const {
  auto signature = key_.sign(nonce);
  std::replace(signature.begin(), signature.end(), '+', '-');
  std::replace(signature.begin(), signature.end(), '/', '_');
  signature.erase(signature.find('='));  // 64 bytes end in two of them
  return signature;
}

}  // namespace bpx::bridge
