#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <optional>
#include <string>

namespace bpx::bridge {

/// How the exchange's certificate is judged: TLS 1.2 or later, the chain verified against the
/// system's trust anchors and those of `ca_file`, the host name verified too. None of it can be
/// switched off.
class TlsContext {
 public:
  /// `ca_file`: PEM, may be empty. Throws StartupError where it holds no certificate.
  explicit TlsContext(const std::string& ca_file);

  /// Why `ca_file` cannot be used; nullopt if it can.
  static std::optional<std::string> fault_of(const std::string& ca_file);

  boost::asio::ssl::context& native() { return context_; }

 private:
  boost::asio::ssl::context context_;
};

/// Makes the handshake of `ssl` ask for `host` (SNI) and accept a certificate for `host` alone.
/// `host` is a name or an address. Returns false where OpenSSL could not be told: then
/// the handshake must not begin.
[[nodiscard]] bool expect_host(SSL* ssl, const std::string& host);

/// Why the handshake of `ssl` failed and what to do, in words for a person: the verdict on the
/// certificate where that was the reason, else `error`.
std::string describe_tls_failure(SSL* ssl, const boost::system::error_code& error);

/// Why an established connection broke, likewise: of `error`, what TLS has to do with it.
std::string describe_broken_tls(const boost::system::error_code& error);

}  // namespace bpx::bridge
