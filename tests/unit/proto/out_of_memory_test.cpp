#include "proto/depth_update.hpp"
#include "proto/envelope.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/padded.hpp"

#include <gtest/gtest.h>

#include <new>
#include <string>

namespace bpx::proto {
namespace {

const test::Padded kMessage(R"({"data":{"a":[["214.50","0.13"]],"b":[],"U":1,"u":2,"x":")" +
                            std::string(10'000, 'x') + R"("},"stream":"depth.SOL_USDC"})");

/// What simdjson needs once it has.
const test::Padded kShort("{}");

/// Whether `read` fails for want of memory, of which there is none.
template <typename Read>
bool runs_out_of_memory(const Read& read) {
  const test::OutOfMemory none;
  try {
    read();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

TEST(OutOfMemory, IsNoFaultOfTheMessageThatCannotBeRead) {
  EnvelopeReader reader;
  reader.read(kShort.view());
  EXPECT_TRUE(runs_out_of_memory([&] { reader.read(kMessage.view()); }));
  EXPECT_EQ(reader.read(kMessage.view()).kind, Envelope::Kind::data) << "once there is some";
}

TEST(OutOfMemory, IsNoFaultOfTheBook) {
  DepthReader reader;
  reader.read_update(kShort.view());
  EXPECT_TRUE(runs_out_of_memory([&] { reader.read_update(kMessage.view()); }));
  EXPECT_NE(reader.read_update(kMessage.view()), nullptr) << "once there is some";
}

}  // namespace
}  // namespace bpx::proto
