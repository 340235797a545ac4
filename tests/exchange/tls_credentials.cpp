#include "tests/exchange/tls_credentials.hpp"

#include <boost/asio/buffer.hpp>

#include <chrono>

namespace bpx::exchange {
namespace ssl = boost::asio::ssl;

namespace {

void limit(ssl::context& context, fault::TlsVersion::Kind version) {
  using Kind = fault::TlsVersion::Kind;
  const bool is_outdated = version == Kind::outdated;
  auto* const native = context.native_handle();
  // What is outdated signs with SHA-1, which OpenSSL allows at level 0 alone.
  SSL_CTX_set_security_level(native, is_outdated ? 0 : 2);
  SSL_CTX_set_min_proto_version(native, is_outdated ? TLS1_VERSION : TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(native, is_outdated              ? TLS1_1_VERSION
                                        : version == Kind::tls12 ? TLS1_2_VERSION
                                                                 : 0);
}

ssl::context make_context(const TlsIdentity& identity) {
  ssl::context context(ssl::context::tls_server);
  context.use_certificate_chain(boost::asio::buffer(identity.certificate_pem));
  context.use_private_key(boost::asio::buffer(identity.private_key_pem), ssl::context::pem);
  limit(context, fault::TlsVersion::Kind::current);
  return context;
}

}  // namespace

TlsCredentials::TlsCredentials(const std::vector<std::string>& hosts) {
  constexpr std::chrono::hours kYear{24 * 365};
  constexpr std::chrono::hours kYesterday{-24};
  contexts_.emplace(Kind::good, make_context(authority_.issue(hosts, kYear)));
  contexts_.emplace(Kind::expired, make_context(authority_.issue(hosts, kYesterday)));
  contexts_.emplace(Kind::wrong_host,
                    make_context(authority_.issue({"another-host.invalid"}, kYear)));
  contexts_.emplace(Kind::self_signed,
                    make_context(CertificateAuthority::self_signed(hosts, kYear)));
}

TlsCredentials::TlsCredentials(const std::vector<std::string>& hosts,
                               const std::filesystem::path& certificate,
                               const std::filesystem::path& private_key)
    : TlsCredentials(hosts) {
  auto& good = contexts_.at(Kind::good);
  good = ssl::context(ssl::context::tls_server);
  good.use_certificate_chain_file(certificate.string());
  good.use_private_key_file(private_key.string(), ssl::context::pem);
  limit(good, fault::TlsVersion::Kind::current);
}

void TlsCredentials::offer(fault::TlsVersion::Kind version) {
  for (auto& [kind, context] : contexts_) limit(context, version);
}

}  // namespace bpx::exchange
