#include "bridge/publish/nats_credentials.hpp"

#include "tests/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

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

TEST(NatsCredentials, AreNotReadWhereTheSeedIsNone) {
  const std::string_view seed = "SUAEZTIITMUP7FW2TW3MGRXMCFHA6W4KGGPTLK5GETNIZ5XNJ64KN63OVI";
  const std::map<std::string, std::string> faults = {
      {"another digit", "SUAEYTIITMUP7FW2TW3MGRXMCFHA6W4KGGPTLK5GETNIZ5XNJ64KN63OVI"},
      {"a lower-case one", "sUAEZTIITMUP7FW2TW3MGRXMCFHA6W4KGGPTLK5GETNIZ5XNJ64KN63OVI"},
      {"one too few", std::string(seed.substr(1))},
      {"one too many", std::string(seed) + 'A'},
      // The same seed, as an account's: the checksum holds.
      {"not of a user", "SAAEZTIITMUP7FW2TW3MGRXMCFHA6W4KGGPTLK5GETNIZ5XNJ64KN645MY"}};
  for (const auto& [fault, wrong] : faults) {
    std::string text(kFile);
    text.replace(text.find(seed), seed.size(), wrong);
    EXPECT_FALSE(NatsCredentials::parse(text)) << fault;
  }
}

TEST(NatsCredentials, AreReadFromAFileAlone) {
  const test::TemporaryDirectory directory;
  EXPECT_FALSE(NatsCredentials::read((directory.path() / "absent").string()));
  EXPECT_FALSE(NatsCredentials::read(directory.path().string())) << "a directory";
  EXPECT_TRUE(NatsCredentials::read(directory.write("user.creds", kFile)));
}

}  // namespace
}  // namespace bpx::bridge
