#include "bridge/observe/content_policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// The script is the example of the specification, Content Security Policy Level 3, 2.3.1.
constexpr auto kPage =
    "<!doctype html><style>p {}</style><p>hello</p>"
    "<script>alert('Hello, world.');</script>";

TEST(ContentPolicy, NamesThePagesOwnScriptAndStyleByTheirHash) {
  EXPECT_THAT(policy_of(kPage),
              AllOf(HasSubstr("script-src 'sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=';"),
                    HasSubstr("style-src 'sha256-"), Not(HasSubstr("unsafe"))));
}

TEST(ContentPolicy, ChangesWithEachLetterOfThem) {
  std::string other = kPage;
  other.replace(other.find("world"), 5, "World");
  EXPECT_NE(policy_of(other), policy_of(kPage));
  EXPECT_EQ(policy_of(std::string(kPage) + "<p>more</p>"), policy_of(kPage));
}

TEST(ContentPolicy, AllowsNothingFromElsewhere) {
  EXPECT_THAT(policy_of(kPage), AllOf(HasSubstr("default-src 'none';"),
                                      HasSubstr("connect-src 'self';"), Not(HasSubstr("http"))));
  EXPECT_THAT(std::string(kNothingAllowed), Not(HasSubstr("script-src")));
}

}  // namespace
}  // namespace bpx::bridge
