#include "tests/exchange/certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

namespace bpx::exchange {
namespace {

constexpr std::chrono::hours kDay{24};

struct Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
  void operator()(BIO* memory) const { BIO_free(memory); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

Owned<X509> read(const std::string& pem) {
  const Owned<BIO> memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Owned<X509>(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
}

/// OpenSSL's verdict on a certificate of whoever trusts `authority` alone.
int verdict(const CertificateAuthority& authority, const TlsIdentity& identity) {
  const auto trusted = read(authority.certificate_pem());
  const auto certificate = read(identity.certificate_pem);
  const Owned<X509_STORE> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), trusted.get());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_X509_STRICT);
  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

TEST(CertificateAuthority, IssuesWhatItsOwnCertificateVerifies) {
  const CertificateAuthority authority;
  const auto identity = authority.issue({"localhost", "127.0.0.1", "::1"}, kDay);
  EXPECT_EQ(verdict(authority, identity), X509_V_OK);
  const auto certificate = read(identity.certificate_pem);
  EXPECT_EQ(X509_check_host(certificate.get(), "localhost", 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "127.0.0.1", 0), 1);
  EXPECT_EQ(X509_check_ip_asc(certificate.get(), "::1", 0), 1);
  EXPECT_EQ(X509_check_host(certificate.get(), "example.org", 0, 0, nullptr), 0);
}

TEST(CertificateAuthority, IssuesExpiredOnes) {
  const CertificateAuthority authority;
  EXPECT_EQ(verdict(authority, authority.issue({"localhost"}, -kDay)), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST(CertificateAuthority, DoesNotVouchForAnother) {
  const CertificateAuthority authority;
  const CertificateAuthority other;
  EXPECT_NE(verdict(authority, other.issue({"localhost"}, kDay)), X509_V_OK);
  EXPECT_NE(verdict(authority, CertificateAuthority::self_signed({"localhost"}, kDay)), X509_V_OK);
}

}  // namespace
}  // namespace bpx::exchange
