#include "tests/exchange/envelope.hpp"

#include <gtest/gtest.h>

namespace bpx::exchange {
namespace {

TEST(Envelope, PutsDataBeforeStreamAsOnTheWire) {
  const auto message = envelope({.stream = "trade.SOL_USDC", .data = R"({"b":1,"a": 2})"}, false);
  EXPECT_EQ(message->text, R"({"data":{"b":1,"a": 2},"stream":"trade.SOL_USDC"})");
  EXPECT_EQ(message->stream, "trade.SOL_USDC");
}

TEST(Envelope, OrStreamBeforeDataAsInDocuments) {
  const auto message = envelope({.stream = "trade.SOL_USDC", .data = "{}"}, true);
  EXPECT_EQ(message->text, R"({"stream":"trade.SOL_USDC","data":{}})");
}

TEST(Envelope, EscapesTheName) {
  EXPECT_EQ(envelope({.stream = R"(a"b)", .data = "{}"}, false)->text,
            R"({"data":{},"stream":"a\"b"})");
}

TEST(ErrorMessage, HasTheFormThatWasCaptured) {
  EXPECT_EQ(error_message("null", 4003, "Invalid signature")->text,
            R"({"id":null,"error":{"code":4003,"message":"Invalid signature"}})");
  EXPECT_TRUE(error_message("null", 4003, "")->stream.empty());
}

TEST(Acknowledgement, RepeatsTheId) {
  EXPECT_EQ(acknowledgement("7")->text, R"({"id":7,"result":null})");
}

}  // namespace
}  // namespace bpx::exchange
