#include "tests/exchange/signature.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bpx::exchange {
namespace {

// The pair that the exchange's guide prints, and what it signs to.
constexpr const char* kKey = "5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=";
constexpr const char* kSignature =
    "/ZisNiUfIIbBKRrLsdRTnZUuMA870U2RQJ+AyGLn0PC6Qb00ZYRSNZMwEItKkCdln555j4MMx1lA2iFuOKImBw==";
constexpr const char* kText = "instruction=subscribe&timestamp=1614550000000&window=5000";
constexpr std::int64_t kSignedUs = 1'614'550'000'000'000;

std::vector<std::string> signed_request() { return {kKey, kSignature, "1614550000000", "5000"}; }

TEST(Verifies, ThePublishedVector) { EXPECT_TRUE(verifies(kKey, kSignature, kText)); }

TEST(Verifies, NoOtherText) { EXPECT_FALSE(verifies(kKey, kSignature, std::string(kText) + "0")); }

TEST(Verifies, NoOtherSignature) {
  std::string other = kSignature;
  other[0] = 'A';
  EXPECT_FALSE(verifies(kKey, other, kText));
}

TEST(Verifies, NoOtherKey) {
  EXPECT_FALSE(verifies("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", kSignature, kText));
}

TEST(Verifies, OnlyStandardPaddedBase64OfTheRightLength) {
  const std::string key = kKey;
  for (const std::string& wrong :
       {std::string(), key.substr(0, key.size() - 1), key + "====", "5-yQ" + key.substr(4),
        ' ' + key.substr(1), key + "\n", std::string(44, '='), std::string(44, '!')}) {
    EXPECT_FALSE(verifies(wrong, kSignature, kText)) << wrong;
  }
}

TEST(SignatureCheck, AcceptsWithinTheWindowOnEitherSideOfNow) {
  const SignatureCheck check({});
  EXPECT_TRUE(check.accepts(signed_request(), kSignedUs));
  EXPECT_TRUE(check.accepts(signed_request(), kSignedUs + 5'000'999));
  EXPECT_TRUE(check.accepts(signed_request(), kSignedUs - 5'000'000));
}

TEST(SignatureCheck, RejectsATimestampOutsideTheWindow) {
  const SignatureCheck check({});
  EXPECT_FALSE(check.accepts(signed_request(), kSignedUs + 5'001'000));
  EXPECT_FALSE(check.accepts(signed_request(), kSignedUs - 5'001'000));
}

TEST(SignatureCheck, RejectsAWindowThatIsNotFrom1To60000) {
  const SignatureCheck check({});
  for (const char* window : {"60001", "0", "-1", "", "5000 ", "5e3", "99999999999999999999"}) {
    EXPECT_FALSE(check.accepts({kKey, kSignature, "1614550000000", window}, kSignedUs)) << window;
  }
}

TEST(SignatureCheck, RejectsATimestampThatIsNoNumber) {
  const SignatureCheck check({});
  for (const char* timestamp :
       {"", "now", "1614550000000.0", "-1614550000000", "-9223372036854775808"}) {
    EXPECT_FALSE(check.accepts({kKey, kSignature, timestamp, "5000"}, kSignedUs)) << timestamp;
  }
}

TEST(SignatureCheck, TakesExactlyFourStrings) {
  const SignatureCheck check({});
  EXPECT_FALSE(check.accepts({}, kSignedUs));
  EXPECT_FALSE(check.accepts({kKey, kSignature, "1614550000000"}, kSignedUs));
  EXPECT_FALSE(check.accepts({kKey, kSignature, "1614550000000", "5000", ""}, kSignedUs));
}

TEST(SignatureCheck, WithKnownKeysRejectsEveryOther) {
  EXPECT_TRUE(SignatureCheck({"other", kKey}).accepts(signed_request(), kSignedUs));
  EXPECT_FALSE(SignatureCheck({"other"}).accepts(signed_request(), kSignedUs));
}

}  // namespace
}  // namespace bpx::exchange
