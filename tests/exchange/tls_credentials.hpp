#pragma once

#include "tests/exchange/certificates.hpp"
#include "tests/exchange/fault.hpp"

#include <boost/asio/ssl/context.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace bpx::exchange {

/// The certificates the exchange can present, good and bad, all made at start.
class TlsCredentials {
 public:
  using Kind = fault::Certificate::Kind;

  /// `hosts`: what the good certificate holds for.
  explicit TlsCredentials(const std::vector<std::string>& hosts);
  /// Also with a good certificate that was made elsewhere; throws where the two do not fit.
  TlsCredentials(const std::vector<std::string>& hosts, const std::filesystem::path& certificate,
                 const std::filesystem::path& private_key);

  /// Of the authority that a client is to trust, PEM.
  const std::string& ca_pem() const { return authority_.certificate_pem(); }

  void present(Kind kind) { presented_ = kind; }
  /// To connections that begin from now on, whatever the certificate.
  void offer(fault::TlsVersion::Kind version);
  Kind presented() const { return presented_; }
  boost::asio::ssl::context& context() { return contexts_.at(presented_); }

 private:
  CertificateAuthority authority_;
  std::map<Kind, boost::asio::ssl::context> contexts_;
  Kind presented_ = Kind::good;
};

}  // namespace bpx::exchange
