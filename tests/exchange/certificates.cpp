#include "tests/exchange/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include <arpa/inet.h>

namespace bpx::exchange {
namespace {

template <auto Free>
struct FreeBy {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeBy<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<&X509_free>>;
using Memory = std::unique_ptr<BIO, FreeBy<&BIO_free>>;

constexpr const char* kAuthorityName = "Simulated exchange authority";
constexpr const char* kServerName = "Simulated exchange";
constexpr std::int64_t kHour = 3600;

void require(bool succeeded) {
  if (succeeded) return;
  std::array<char, 256> reason{};
  ERR_error_string_n(ERR_get_error(), reason.data(), reason.size());
  throw std::runtime_error(std::string("making a certificate failed: ") + reason.data());
}

template <class Write>
std::string pem(Write write) {
  const Memory memory(BIO_new(BIO_s_mem()));
  require(memory != nullptr && write(memory.get()) == 1);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

std::string pem(const Key& key) {
  return pem([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string pem(const Certificate& certificate) {
  return pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate.get()); });
}

Key new_key() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr);
  return key;
}

Certificate certificate_from(const std::string& text) {
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Certificate certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
  require(certificate != nullptr);
  return certificate;
}

Key key_from(const std::string& text) {
  const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  Key key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  require(key != nullptr);
  return key;
}

void name(X509_NAME* holder, const char* text) {
  require(X509_NAME_add_entry_by_txt(holder, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(text), -1, -1, 0) == 1);
}

void extend(const Certificate& certificate, const Certificate& issuer, int kind,
            const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer.get(), certificate.get(), nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, FreeBy<&X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension != nullptr && X509_add_ext(certificate.get(), extension.get(), -1) == 1);
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const auto& host : hosts) {
    if (!names.empty()) names += ',';
    names += (is_address(host) ? "IP:" : "DNS:") + host;
  }
  return names;
}

/// A certificate of `key` that still lacks its extensions and its signature.
Certificate draft(const Key& key, const char* subject, const char* issuer,
                  CertificateAuthority::Seconds valid_for) {
  Certificate certificate(X509_new());
  require(certificate != nullptr && X509_set_version(certificate.get(), X509_VERSION_3) == 1);
  // Random: two certificates of one issuer must not share a serial number, and every authority
  // bears the same name.
  std::uint32_t serial = 0;
  require(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial) == 1);
  const std::int64_t end = valid_for.count();
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), std::min<std::int64_t>(0, end) - kHour);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), end);
  name(X509_get_subject_name(certificate.get()), subject);
  name(X509_get_issuer_name(certificate.get()), issuer);
  require(X509_set_pubkey(certificate.get(), key.get()) == 1);
  return certificate;
}

void sign(const Certificate& certificate, const Key& signer) {
  require(X509_sign(certificate.get(), signer.get(), EVP_sha256()) > 0);
}

/// What a server's certificate says; left to sign.
void describe_server(const Certificate& certificate, const Certificate& issuer,
                     const std::vector<std::string>& hosts) {
  extend(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  extend(certificate, issuer, NID_key_usage, "critical,digitalSignature");
  extend(certificate, issuer, NID_ext_key_usage, "serverAuth");
  extend(certificate, issuer, NID_subject_alt_name, alternative_names(hosts));
  extend(certificate, issuer, NID_subject_key_identifier, "hash");
}

}  // namespace

CertificateAuthority::CertificateAuthority() {
  const Key key = new_key();
  const auto certificate = draft(key, kAuthorityName, kAuthorityName, std::chrono::hours(24 * 365));
  extend(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(certificate, certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(certificate, certificate, NID_subject_key_identifier, "hash");
  sign(certificate, key);
  authority_ = {.certificate_pem = pem(certificate), .private_key_pem = pem(key)};
}

TlsIdentity CertificateAuthority::issue(const std::vector<std::string>& hosts,
                                        Seconds valid_for) const {
  const Key key = new_key();
  const auto issuer = certificate_from(authority_.certificate_pem);
  const auto certificate = draft(key, kServerName, kAuthorityName, valid_for);
  describe_server(certificate, issuer, hosts);
  extend(certificate, issuer, NID_authority_key_identifier, "keyid:always");
  sign(certificate, key_from(authority_.private_key_pem));
  return {.certificate_pem = pem(certificate), .private_key_pem = pem(key)};
}

TlsIdentity CertificateAuthority::self_signed(const std::vector<std::string>& hosts,
                                              Seconds valid_for) {
  const Key key = new_key();
  const auto certificate = draft(key, kServerName, kServerName, valid_for);
  describe_server(certificate, certificate, hosts);
  sign(certificate, key);
  return {.certificate_pem = pem(certificate), .private_key_pem = pem(key)};
}

}  // namespace bpx::exchange
