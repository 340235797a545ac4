#include "bridge/config/curve_key.hpp"

#include "tests/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

using testing::HasSubstr;
using testing::Not;

// The pair that libzmq's documentation of CURVE shows.
constexpr auto kPublic = "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID";
constexpr auto kSecret = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";

std::string lines(const std::string& public_key, const std::string& secret_key) {
  return "public_key " + public_key + "\nsecret_key " + secret_key + "\n";
}

std::string public_key_in(const CurveKey::OrFault& result) {
  const auto* key = std::get_if<CurveKey>(&result);
  return key != nullptr ? key->public_key() : "fault: " + std::get<CurveKeyFault>(result).wrong;
}

TEST(CurveKey, IsReadFromTheSecretKeyAloneOrFromBothLinesOfKeygen) {
  for (const auto& text :
       {std::string(kSecret), std::string(kSecret) + '\n', ' ' + std::string(kSecret) + " \r\n",
        "\xef\xbb\xbf" + lines(kPublic, kSecret), lines(kPublic, kSecret),
        "secret_key " + std::string(kSecret),
        "secret_key\t" + std::string(kSecret) + "\r\npublic_key\t" + kPublic + "\r\n"}) {
    const auto result = CurveKey::from_text(text);
    ASSERT_EQ(public_key_in(result), kPublic) << text;
    EXPECT_EQ(std::get<CurveKey>(result).secret_key(), kSecret);
  }
}

TEST(CurveKey, IsNotReadFromAnythingElse) {
  const std::string secret = kSecret;
  for (const auto& text : {std::string(), std::string("secret_key"), secret.substr(1), secret + 'x',
                           std::string(40, '~'), std::string(40, '\0'), secret + ' ' + secret,
                           "public_key " + std::string(kPublic), lines(kPublic, "short"),
                           lines(kPublic, secret) + "secret_key " + secret, "key " + secret,
                           "-----BEGIN PRIVATE KEY-----\n" + secret}) {
    const auto result = CurveKey::from_text(text);
    const auto* fault = std::get_if<CurveKeyFault>(&result);
    ASSERT_NE(fault, nullptr) << text;
    EXPECT_THAT(fault->wrong, HasSubstr("does not hold a CURVE secret key"));
    EXPECT_THAT(fault->wrong + fault->mend, Not(HasSubstr(secret)));
  }
}

TEST(CurveKey, MustBelongToThePublicKeyBesideIt) {
  const auto other = CurveKey::generate();
  EXPECT_THAT(public_key_in(CurveKey::from_text(lines(other.public_key(), kSecret))),
              HasSubstr("does not belong"));
}

TEST(CurveKey, IsGeneratedAnewEachTimeAndBelongsTogether) {
  const auto one = CurveKey::generate();
  const auto other = CurveKey::generate();
  EXPECT_NE(one.public_key(), other.public_key());
  EXPECT_EQ(public_key_in(CurveKey::from_text(one.secret_key())), one.public_key());
}

class CurveKeyFile : public testing::Test {
 protected:
  std::string file(unsigned mode) const {
    const auto path = directory_.write("key", lines(kPublic, kSecret));
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
    return path;
  }

  test::TemporaryDirectory directory_;
};

TEST_F(CurveKeyFile, IsReadWhereItIsItsOwnersAlone) {
  EXPECT_EQ(public_key_in(CurveKey::from_file(file(0400))), kPublic);
  EXPECT_EQ(public_key_in(CurveKey::from_file(file(0600))), kPublic);
}

TEST_F(CurveKeyFile, IsRefusedWhereOthersMayReadOrChangeIt) {
  for (const unsigned mode : {0640U, 0604U, 0444U, 0620U, 0602U, 0666U}) {
    const auto result = CurveKey::from_file(file(mode));
    const auto* fault = std::get_if<CurveKeyFault>(&result);
    ASSERT_NE(fault, nullptr) << std::oct << mode;
    EXPECT_THAT(fault->wrong, HasSubstr("others may read or change"));
    EXPECT_THAT(fault->mend, HasSubstr("chmod 600"));
  }
}

TEST_F(CurveKeyFile, IsRefusedByItsCauseWhereItCannotBeRead) {
  const auto secret = (directory_.path() / kSecret).string();  // the key in the path's place
  const auto empty = directory_.write("empty", "\n");
  std::filesystem::permissions(empty, std::filesystem::perms::owner_read);
  for (const auto& [path, wrong] :
       std::vector<std::pair<std::string, std::string>>{{directory_.path(), "is a directory"},
                                                        {secret, "does not exist"},
                                                        {"/dev/null", "is no regular file"},
                                                        {empty, "is empty"}}) {
    const auto result = CurveKey::from_file(path);
    const auto* fault = std::get_if<CurveKeyFault>(&result);
    ASSERT_NE(fault, nullptr);
    EXPECT_EQ(fault->wrong, "names a file that " + wrong);
    EXPECT_THAT(fault->wrong + fault->mend, Not(HasSubstr(kSecret)));
  }
}

TEST(IsCurveKey, TellsZ85Of32Bytes) {
  EXPECT_TRUE(is_curve_key(kPublic));
  EXPECT_FALSE(is_curve_key(""));
  EXPECT_FALSE(is_curve_key("*"));
  EXPECT_FALSE(is_curve_key(std::string(kPublic) + "00000"));
  EXPECT_FALSE(is_curve_key(std::string(39, '0') + '"'));
  EXPECT_FALSE(is_curve_key(std::string(40, '#'))) << "more than five bytes' worth";
  EXPECT_FALSE(is_curve_key(std::string(5, '0') + std::string(35, '\0')));
}

}  // namespace
}  // namespace bpx::bridge
