#include "bridge/cli/secrecy.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace bpx::bridge::cli {
namespace {

const std::string kKey = "TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=";
const std::string kCurveKey = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
const std::string kHidden = "(looks like a key, not shown)";

TEST(WithoutKeys, HidesAKeyWhereverItStands) {
  EXPECT_EQ(without_keys(kKey), kHidden);
  EXPECT_EQ(without_keys("\"" + kKey + "\" is not a level"), '"' + kHidden + "\" is not a level");
  EXPECT_EQ(without_keys("a " + kKey + " b " + kKey), "a " + kHidden + " b " + kHidden);
  EXPECT_EQ(without_keys("secret=" + kKey), "secret=" + kHidden);
}

TEST(WithoutKeys, HidesAKeyThatWasCopiedWithoutItsPadding) {
  const auto cut = kKey.substr(0, kKey.size() - 1);
  EXPECT_EQ(without_keys(cut), kHidden);
  EXPECT_EQ(without_keys("tcp://" + cut + ":5555"), "tcp:" + kHidden + ":5555");
}

TEST(WithoutKeys, HidesWhatIsGluedToAKey) {
  EXPECT_EQ(without_keys("/run/secrets/" + kKey), kHidden);
  EXPECT_EQ(without_keys("x" + kKey), kHidden);
}

TEST(WithoutKeys, HidesAKeyInOtherAlphabets) {
  const std::string of_urls = "TDSkv44jf_iD_QCKkyCdixO-p1sfLXxk-PZH7mW_ams";
  EXPECT_EQ(without_keys(of_urls), kHidden);
  EXPECT_EQ(without_keys("tcp://" + of_urls + "=:1"), "tcp://" + kHidden + ":1");
  EXPECT_EQ(without_keys("TDSkv44jf%2FiD%2FQCKkyCdixO%2Bp1sfLXxk%2BPZH7mW%2Fams%3D"), kHidden);
  EXPECT_EQ(without_keys(R"("TDSkv44jf\/iD\/QCKkyCdixO+p1sfLXxk+PZH7mW\/ams=")"),
            '"' + kHidden + '"');
  const std::string digits = "4c34a4bf8e237ff883fd008a93209d8b13bea75b1f2d7c64f8f647ee65bf6a6b";
  EXPECT_EQ(without_keys("/run/" + digits + "/key"), "/run/" + kHidden + "/key");
}

TEST(WithoutKeys, HidesASecretKeyOfCurve) {
  EXPECT_EQ(without_keys(kCurveKey), kHidden);
  EXPECT_EQ(without_keys("is not \"" + kCurveKey + "\" at all"),
            "is not \"" + kHidden + "\" at all");
  EXPECT_EQ(without_keys("tcp://" + kCurveKey + ":1"), kHidden);
  EXPECT_EQ(without_keys("n6mVz=8:kL.s/QwE+rT1yU-iO0pA?sD2fG[hJ3]k"), kHidden) << "by its length";
}

TEST(WithoutKeys, HidesASeedForNats) {
  const std::string seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
  EXPECT_EQ(without_keys(seed), kHidden);
  EXPECT_EQ(without_keys("nats://" + seed + "@host:4222"), "nats://" + kHidden + "@host:4222");
  const std::string public_key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
  EXPECT_EQ(without_keys(public_key), public_key) << "which may be shown";
}

TEST(WithoutKeys, LeavesThePublicKeysThatItIsTold) {
  const std::vector<std::string> allowed = {"*", kCurveKey};
  EXPECT_EQ(without_keys("the key " + kCurveKey + "?", allowed), "the key " + kCurveKey + "?");
  EXPECT_EQ(without_keys("(" + kCurveKey + ")" + kCurveKey.substr(1), {"*"}), kHidden);
}

TEST(WithoutKeys, LeavesEverythingElseAsItIs) {
  for (const std::string text :
       {"", "config: upstream.window_ms: 0 is out of range; give a whole number from 1 to 60000",
        "/a/path/of/more/than/forty/three/characters/in/all/config.json", "wss://host/?a=b", "=",
        "/home/Somebody/projects/backpack-bridge.d/configuration.v2.json",
        "wss://ws.Example.com:443/a/long/path?with=a&query=1#And.a.fragment",
        "tcp://[2001:DB8:85A3:1234:5678:8A2E:0370:7334]:5555",
        "BRIDGE_PUBLISH__PRIVATE__CURVE__SECRET_KEY_FILE=",
        "2026-11-25T03:25:45.123456789Z/a-list,of(words)that.goes.on",
        R"({"bind":["tcp://127.0.0.1:5555"],"curve":{"allow":["*"]},"Level":"info1"})",
        "VGhpcyBpcyB0b28gc2hvcnQ=",
        "gr\xc3\xbc\xc3\x9f"
        "e"})
    EXPECT_EQ(without_keys(text), text);
}

TEST(ForgetSecrets, OverwritesTheSecretAndNothingElse) {
  std::array<std::string, 4> entries = {"BACKPACK_SECRET_KEY=" + kKey, "SECRET_KEY=" + kKey,
                                        "BACKPACK_SECRET_KEY_FILE=/run/key",
                                        "BACKPACK_PUBLIC_KEY=" + kKey};
  const auto before = entries;
  std::array<char*, 5> environment{};
  for (std::size_t i = 0; i < entries.size(); ++i) environment.at(i) = entries.at(i).data();
  forget_secrets(environment.data());
  EXPECT_EQ(entries[0], "BACKPACK_SECRET_KEY=" + std::string(kKey.size(), '\0'));
  EXPECT_EQ(entries[1], "SECRET_KEY=" + std::string(kKey.size(), '\0'));
  EXPECT_EQ(entries[2], before[2]);
  EXPECT_EQ(entries[3], before[3]);
}

}  // namespace
}  // namespace bpx::bridge::cli
