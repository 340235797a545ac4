#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// What a TLS server presents: its certificate and the key that belongs to it, both PEM.
struct TlsIdentity {
  std::string certificate_pem;
  std::string private_key_pem;
};

/// A certificate authority that lives as long as the exchange does. Its key never leaves the
/// process; its certificate is what a client is told to trust.
class CertificateAuthority {
 public:
  using Seconds = std::chrono::seconds;

  CertificateAuthority();

  const std::string& certificate_pem() const { return authority_.certificate_pem; }

  /// A certificate for `hosts` (DNS names and IP addresses), valid from an hour before now, or
  /// before its end where that is past, until `valid_for` from now.
  TlsIdentity issue(const std::vector<std::string>& hosts, Seconds valid_for) const;

  /// One that vouches for itself: right names, right time, signed by nobody known.
  static TlsIdentity self_signed(const std::vector<std::string>& hosts, Seconds valid_for);

 private:
  TlsIdentity authority_;
};

}  // namespace bpx::exchange
