#include "bridge/upstream/request_writer.hpp"

#include "bridge/clock.hpp"

#include <gtest/gtest.h>

#include <string>

namespace bpx::bridge {
namespace {

TEST(Fence, TellsTheRequestAndWhenItWasSent) {
  const auto now = steady_ns();
  const auto fence = RequestWriter::read_fence("7 " + std::to_string(now));
  ASSERT_TRUE(fence);
  EXPECT_EQ(fence->request, 7U);
  EXPECT_EQ(fence->sent_steady_ns, now);
  EXPECT_TRUE(RequestWriter::read_fence("0 0"));
}

TEST(Fence, IsNoneWhereItsTimeIsNotOneOfThePast) {
  for (const auto* payload : {"0 -9223372036854775808", "0 -1", "0 9223372036854775807"})
    EXPECT_FALSE(RequestWriter::read_fence(payload)) << payload;
}

TEST(Fence, IsNoneOfAnotherForm) {
  for (const auto* payload : {"", " ", "0", "0 ", " 0", "-1 0", "0 0 ", "0  0", "0 x", "x 0",
                              "18446744073709551616 0", "0 9223372036854775808"})
    EXPECT_FALSE(RequestWriter::read_fence(payload)) << payload;
}

}  // namespace
}  // namespace bpx::bridge
