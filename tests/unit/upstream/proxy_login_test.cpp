#include "bridge/upstream/proxy_login.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

constexpr auto kLogin = "somebody:secret@word";

TEST(ProxyLogin, GoesInBase64) {
  EXPECT_EQ(basic_login(kLogin), "c29tZWJvZHk6c2VjcmV0QHdvcmQ=");
  EXPECT_EQ(basic_login("a:"), "YTo=");
}

TEST(ProxyLogin, IsBlankInWhateverForm) {
  EXPECT_EQ(without_login("Proxy-Authorization: Basic c29tZWJvZHk6c2VjcmV0QHdvcmQ=\r\n", kLogin),
            "Proxy-Authorization: Basic ***=\r\n");
  EXPECT_EQ(without_login("c29tZWJvZHk6c2VjcmV0QHdvcmQ,c29tZWJvZHk6c2VjcmV0QHdvcmQ", kLogin),
            "***,***");
  EXPECT_EQ(without_login("somebody may not pass with secret@word.", kLogin),
            "*** may not pass with ***.");
  EXPECT_EQ(without_login("no secret word of nobody", kLogin), "no secret word of nobody");
}

TEST(ProxyLogin, IsBlankWhereTheEndCutsItOff) {
  EXPECT_EQ(without_login("Basic c29tZWJvZHk6c2Vjc", kLogin), "Basic ***");
  EXPECT_EQ(without_login("with secret@wor", kLogin), "with ***");
  EXPECT_EQ(without_login("with secret", kLogin), "with ***");
  EXPECT_EQ(without_login("with sec", kLogin), "with sec") << "which may be any word's end";
}

TEST(ProxyLogin, IsBlankWhereOnePartHoldsTheOther) {
  EXPECT_EQ(without_login("some of somebody", "some:somebody"), "*** of ***");
  EXPECT_EQ(without_login("some of somebody", "somebody:some"), "*** of ***");
}

TEST(ProxyLogin, OfEmptyPartsLeavesAllAsItIs) {
  EXPECT_EQ(without_login("Not from here", ""), "Not from here");
  EXPECT_EQ(without_login("Not from here", "user:"), "Not from here");
  EXPECT_EQ(without_login("Not from *", "*:"), "Not from ***");
}

}  // namespace
}  // namespace bpx::bridge
