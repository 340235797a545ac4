#include "proto/envelope.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/padded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bpx::proto {
namespace {

TEST(EnvelopeReader, AllocatesForAMessageThatIsLongerThanAllBeforeAlone) {
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
  const std::vector<test::Padded> long_ones = {
      test::Padded(R"({"data":")" + std::string(10'000, 'x') + R"(","stream":"trade.X"})")};
  const auto allocated_for = [&](const std::vector<test::Padded>& read) {
    const auto before = test::allocations();
    for (const auto& message : read) reader.read(message.view());
    return test::allocations() - before;
  };
  EXPECT_EQ(allocated_for(messages), 0U);
  EXPECT_GT(allocated_for(long_ones), 0U);
  EXPECT_EQ(allocated_for(long_ones), 0U);
  EXPECT_EQ(allocated_for(messages), 0U);
}

}  // namespace
}  // namespace bpx::proto
