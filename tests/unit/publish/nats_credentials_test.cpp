#include "bridge/publish/nats_credentials.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

/// The key is that of the second example of RFC 8032, 7.1, in the writing of NATS.
constexpr std::string_view kFile = R"(-----BEGIN NATS USER JWT-----
eyJ0eXAiOiJKV1QifQ.e30.AAAA
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
SUAEZTIITMUP7FW2TW3MGRXMCFHA6W4KGGPTLK5GETNIZ5XNJ64KN63OVI
------END USER NKEY SEED------
)";

TEST(NatsCredentials, SignTheNonceOfTheServer) {
  const auto credentials = NatsCredentials::parse(kFile);
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->jwt(), "eyJ0eXAiOiJKV1QifQ.e30.AAAA");
  EXPECT_EQ(
      credentials->sign("r"),
      "kqAJqfDUyrhyDoILX2QlQKKye1QWUD-Ps3YiI-vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA");
}

TEST(NatsCredentials, AreNotReadFromAnotherFile) {
  for (const auto* text :
       {"", "text", "-----BEGIN USER NKEY SEED-----", "-----BEGIN NATS USER JWT-----\na"})
    EXPECT_FALSE(NatsCredentials::parse(text)) << text;
}

TEST(NatsCredentials, SignNothingWithAKeyThatIsNone) {
  std::string text(kFile);
  text.replace(text.find("SUAEZ"), 5, "SUAEY");
  const auto credentials = NatsCredentials::parse(text);
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->sign("r"), std::nullopt);
}

}  // namespace
}  // namespace bpx::bridge
