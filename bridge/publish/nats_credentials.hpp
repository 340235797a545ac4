#pragma once

#include "proto/signing_key.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace bpx::bridge {

/// Who this program is to a NATS server, from a credentials file as `nsc` makes it.
class NatsCredentials {
 public:
  /// nullopt where it is no such file, or cannot be read.
  static std::optional<NatsCredentials> read(const std::string& path);

  /// From the file's text, which is the caller's to wipe.
  static std::optional<NatsCredentials> parse(std::string_view text);

  const std::string& jwt() const { return jwt_; }

  /// The server's nonce, signed by the user's key, in base64url.
  std::string sign(std::string_view nonce) const;

 private:
  NatsCredentials(std::string_view jwt, proto::SigningKey key) : jwt_(jwt), key_(std::move(key)) {}

  std::string jwt_;
  proto::SigningKey key_;
};

}  // namespace bpx::bridge
