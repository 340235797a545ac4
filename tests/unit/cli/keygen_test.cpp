#include "bridge/cli/commands.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge::cli {
namespace {

TEST(Keygen, NeverPrintsAKeyThatLooksLikeAnOption) {
  testing::internal::CaptureStdout();
  for (int i = 0; i < 200; ++i) ASSERT_EQ(keygen(), kStopped);  // 1 of 43 pairs would be one
  EXPECT_EQ(testing::internal::GetCapturedStdout().find("key -"), std::string::npos);
}

}  // namespace
}  // namespace bpx::bridge::cli
