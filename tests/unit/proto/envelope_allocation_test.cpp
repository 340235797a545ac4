#include "proto/envelope.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/padded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bpx::proto {
namespace {

TEST(EnvelopeReader, AllocatesNothingOnceItHasSeenAMessageAsLong) {
  const std::vector<test::Padded> messages = {
      test::Padded(R"({"data":{"E":1736257764052341,"T":1736257764022406,"U":1803724440,)"
                   R"("a":[["214.50","0.13"]],"b":[["214.07","21.41"]],"e":"depth","s":"SOL_USDC",)"
                   R"("u":1803724442},"stream":"depth.200ms.SOL_USDC"})"),
      test::Padded(R"({"str\u0065am":"trade.SOL\u005fUSDC","d\u0061ta":{"\u0045":3,"t":4}})"),
      test::Padded(R"({"id":7,"result":null})"),
      test::Padded(R"({"id":null,"error":{"code":4006,"message":"Invalid \"stream\""}})"),
      test::Padded("garbage"),
  };
  EnvelopeReader reader;
  const test::Padded longest(R"({"data":")" + std::string(1'000, 'x') + R"(","stream":"trade.X"})");
  reader.read(longest.view());
  const auto before = test::allocations();
  for (int i = 0; i < 1'000; ++i)
    for (const auto& message : messages) reader.read(message.view());
  EXPECT_EQ(test::allocations(), before);
  const std::string counted(100, 'x');
  EXPECT_GT(test::allocations(), before) << "nothing is counted: " << counted.size();
}

}  // namespace
}  // namespace bpx::proto
