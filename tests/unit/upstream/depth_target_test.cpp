#include "bridge/upstream/depth_snapshots.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(DepthTarget, NamesTheMarketWhateverTheAggregation) {
  EXPECT_EQ(depth_target("", "depth.SOL_USDC"), "/api/v1/depth?symbol=SOL_USDC&limit=1000");
  EXPECT_EQ(depth_target("/proxy", "depth.200ms.AAPL.US_USDC"),
            "/proxy/api/v1/depth?symbol=AAPL.US_USDC&limit=1000");
}

TEST(DepthTarget, EncodesWhatAnAddressCannotHold) {
  EXPECT_EQ(depth_target("", "depth.A&limit=1#/%é"),
            "/api/v1/depth?symbol=A%26limit%3D1%23%2F%25%C3%A9&limit=1000");
}

}  // namespace
}  // namespace bpx::bridge
