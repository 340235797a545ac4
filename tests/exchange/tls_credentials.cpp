#include "tests/exchange/tls_credentials.hpp"

#include <boost/asio/buffer.hpp>

#include <chrono>

namespace bpx::exchange {
namespace ssl = boost::asio::ssl;

namespace {

ssl::context make_context(const TlsIdentity& identity) {
  ssl::context context(ssl::context::tls_server);
  context.set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  context.use_certificate_chain(boost::asio::buffer(identity.certificate_pem));
  context.use_private_key(boost::asio::buffer(identity.private_key_pem), ssl::context::pem);
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

}  // namespace bpx::exchange
