#include "proto/signing_key.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::proto {
namespace {

// The key pair that the exchange's own guide prints.
constexpr std::string_view kSecret = "TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=";
constexpr std::string_view kVerifyingKey = "5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=";

TEST(SigningKey, DerivesTheVerifyingKeyOfTheGuide) {
  const auto key = SigningKey::from_base64(kSecret);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->verifying_key(), kVerifyingKey);
}

TEST(SigningKey, SignsAsTheExchangeExpects) {
  const auto key = SigningKey::from_base64(kSecret);
  ASSERT_TRUE(key);
  EXPECT_EQ(
      key->sign("instruction=subscribe&timestamp=1614550000000&window=5000"),
      "/ZisNiUfIIbBKRrLsdRTnZUuMA870U2RQJ+AyGLn0PC6Qb00ZYRSNZMwEItKkCdln555j4MMx1lA2iFuOKImBw==");
}

TEST(SigningKey, SignsTheSameAfterItWasMoved) {
  auto key = SigningKey::from_base64(kSecret);
  ASSERT_TRUE(key);
  const auto before = key->sign("text");
  const SigningKey moved = std::move(*key);
  EXPECT_EQ(moved.sign("text"), before);
  EXPECT_EQ(moved.verifying_key(), kVerifyingKey);
}

TEST(SigningKey, RefusesWhatIsNotBase64Of32Bytes) {
  const std::string secret(kSecret);
  for (const auto& text :
       {std::string(), std::string("secret"), secret.substr(0, 43), secret + "=", secret + "\n",
        " " + secret, std::string("TDSkv44jf_iD_QCKkyCdixO-p1sfLXxk-PZH7mW_ams="),
        secret.substr(0, 40), secret + secret}) {
    EXPECT_FALSE(SigningKey::from_base64(text)) << text.size();
    EXPECT_FALSE(is_base64_of_32_bytes(text)) << text.size();
  }
  EXPECT_TRUE(is_base64_of_32_bytes(kVerifyingKey));
}

}  // namespace
}  // namespace bpx::proto
