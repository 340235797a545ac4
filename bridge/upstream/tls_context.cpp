#include "bridge/upstream/tls_context.hpp"

#include "bridge/startup_error.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace bpx::bridge {
namespace {

namespace ssl = boost::asio::ssl;

std::string_view mend_for(long verdict) {
  switch (verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return "check this machine's clock; if it is right, the exchange must renew its certificate";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate is another host's: check upstream.url and who answers at it";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "nobody trusted vouches for it: install ca-certificates, or name a trust anchor in "
             "upstream.ca_file";
    default: return "check upstream.url and who answers at it";
  }
}

/// Where the certificate was not the reason.
std::string_view mend_for_protocol(const boost::system::error_code& error) {
  const bool is_ssl = error.category() == boost::asio::error::get_ssl_category();
  switch (is_ssl ? ERR_GET_REASON(static_cast<unsigned long>(error.value())) : 0) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return "it speaks nothing newer than TLS 1.1, which is refused: TLS 1.2 is the least. Check "
             "upstream.url and who answers at it";
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
      return "what answers there speaks no TLS: check host, port and scheme in upstream.url";
    default: return "check upstream.url and who answers at it";
  }
}

}  // namespace

TlsContext::TlsContext(const std::string& ca_file) : context_(ssl::context::tls_client) {
  SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_options(context_.native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  context_.set_verify_mode(ssl::verify_peer);
  boost::system::error_code ignored;  // a machine without anchors is found out by the handshake
  context_.set_default_verify_paths(ignored);
  if (ca_file.empty()) return;
  boost::system::error_code error;
  context_.load_verify_file(ca_file, error);
  if (error) throw StartupError("upstream.ca_file: " + ca_file + ": " + error.message());
}

std::optional<std::string> TlsContext::fault_of(const std::string& ca_file) {
  ssl::context trial(ssl::context::tls_client);
  boost::system::error_code error;
  trial.load_verify_file(ca_file, error);
  return error ? std::optional(error.message()) : std::nullopt;
}

bool expect_host(SSL* ssl, const std::string& host) {
  boost::system::error_code not_an_address;
  boost::asio::ip::make_address(host, not_an_address);
  if (!not_an_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
}

std::string describe_broken_tls(const boost::system::error_code& error) {
  const bool is_ssl = error.category() == boost::asio::error::get_ssl_category();
  switch (is_ssl ? ERR_GET_REASON(static_cast<unsigned long>(error.value())) : 0) {
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
      return error.message() +
             "; so ends a server that is refused to negotiate TLS 1.2 anew. Check who answers at "
             "upstream.url";
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_SSLV3_ALERT_BAD_RECORD_MAC:
      return error.message() +
             "; bytes were altered on the way. Where this comes again, look at proxies and "
             "hardware "
             "in between";
    default: return error.message();
  }
}

std::string describe_tls_failure(SSL* ssl, const boost::system::error_code& error) {
  const auto verdict = SSL_get_verify_result(ssl);
  if (verdict == X509_V_OK) return error.message() + "; " + std::string(mend_for_protocol(error));
  return std::string("certificate refused: ") + X509_verify_cert_error_string(verdict) + "; " +
         std::string(mend_for(verdict));
}

}  // namespace bpx::bridge
