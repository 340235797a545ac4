#include "bridge/upstream/tls_context.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(TlsContext, OffersNothingBelowTls12AndNoWayAroundVerification) {
  TlsContext tls("");
  auto* const context = tls.native().native_handle();
  EXPECT_EQ(SSL_CTX_get_min_proto_version(context), TLS1_2_VERSION);
  EXPECT_EQ(SSL_CTX_get_verify_mode(context), SSL_VERIFY_PEER);
  EXPECT_TRUE(SSL_CTX_get_options(context) & SSL_OP_NO_RENEGOTIATION);
  EXPECT_TRUE(SSL_CTX_get_options(context) & SSL_OP_NO_COMPRESSION);
}

TEST(TlsContext, ExpectsTheHostItIsToldByNameAndByAddress) {
  TlsContext tls("");
  const std::unique_ptr<SSL, decltype(&SSL_free)> by_name(SSL_new(tls.native().native_handle()),
                                                          SSL_free);
  ASSERT_TRUE(expect_host(by_name.get(), "ws.backpack.exchange"));
  EXPECT_STREQ(SSL_get_servername(by_name.get(), TLSEXT_NAMETYPE_host_name),
               "ws.backpack.exchange");
  EXPECT_STREQ(X509_VERIFY_PARAM_get0_host(SSL_get0_param(by_name.get()), 0),
               "ws.backpack.exchange");
  const std::unique_ptr<SSL, decltype(&SSL_free)> by_address(SSL_new(tls.native().native_handle()),
                                                             SSL_free);
  ASSERT_TRUE(expect_host(by_address.get(), "192.0.2.7"));
  EXPECT_EQ(SSL_get_servername(by_address.get(), TLSEXT_NAMETYPE_host_name), nullptr);
  const std::unique_ptr<char, void (*)(char*)> address(
      X509_VERIFY_PARAM_get1_ip_asc(SSL_get0_param(by_address.get())),
      [](char* text) { OPENSSL_free(text); });
  EXPECT_STREQ(address.get(), "192.0.2.7");
}

}  // namespace
}  // namespace bpx::bridge
