#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Who this program is to a NATS server, from a credentials file as `nsc` makes it.
class NatsCredentials {
 public:
  /// From the file's text; nullopt where it is no such file.
  static std::optional<NatsCredentials> parse(std::string_view text);

  const std::string& jwt() const { return jwt_; }

  /// The server's nonce, signed by the user's key, in base64url; nullopt where the key is none.
  std::optional<std::string> sign(const std::string& nonce) const;

  NatsCredentials(const NatsCredentials&) = delete;
  NatsCredentials& operator=(const NatsCredentials&) = delete;
  NatsCredentials(NatsCredentials&&) = default;
  NatsCredentials& operator=(NatsCredentials&&) = delete;
  ~NatsCredentials();  ///< wipes the key

 private:
  NatsCredentials(std::string_view jwt, std::string_view seed) : jwt_(jwt), seed_(seed) {}

  std::string jwt_;
  std::string seed_;
};

}  // namespace bpx::bridge
