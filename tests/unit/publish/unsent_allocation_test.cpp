#include "bridge/publish/unsent.hpp"
#include "tests/support/allocations.hpp"

#include <gtest/gtest.h>
#include <zmq.hpp>

#include <array>

namespace bpx::bridge {
namespace {

TEST(UnsentAllocation, IsNoneForAsManyAsWaitUsually) {
  Unsent unsent(1'000);
  std::array<zmq::message_t, 500> waiting;
  const auto before = test::allocations();
  for (int turn = 0; turn < 1'000; ++turn)
    for (auto& frame : waiting) frame = unsent.receipt({}, 1);
  EXPECT_EQ(test::allocations(), before);
}

}  // namespace
}  // namespace bpx::bridge
