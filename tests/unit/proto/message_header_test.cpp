#include "proto/message_header.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace bpx::proto {
namespace {

MessageHeader example() {
  return {.flags = MessageHeader::gap_before | MessageHeader::first_on_connection,
          .connection = 0x01020304,
          .epoch_us = 0x1112131415161718,
          .sequence = 0x2122232425262728,
          .received_ns = 0x3132333435363738,
          .event_ns = -2,
          .sent_ns = 0x5152535455565758};
}

TEST(MessageHeader, LaysItsFieldsOutAsDocumented) {
  const auto bytes = example().encode();
  const MessageHeader::Bytes expected = {
      1,    48,   0x06, 0x00,                           // version, length, flags
      0x04, 0x03, 0x02, 0x01,                           // connection
      0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11,   // epoch
      0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21,   // sequence
      0x38, 0x37, 0x36, 0x35, 0x34, 0x33, 0x32, 0x31,   // received
      0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,   // event
      0x58, 0x57, 0x56, 0x55, 0x54, 0x53, 0x52, 0x51};  // sent
  EXPECT_EQ(bytes, expected);
}

TEST(MessageHeader, ReadsWhatItWrote) {
  EXPECT_EQ(MessageHeader::decode(example().encode()), example());
  EXPECT_EQ(MessageHeader::decode(MessageHeader{}.encode()), MessageHeader{});
}

TEST(MessageHeader, RefusesAnotherVersionAndWhatIsCutShort) {
  const auto bytes = example().encode();
  EXPECT_FALSE(MessageHeader::decode(std::span(bytes).first(47)));
  EXPECT_FALSE(MessageHeader::decode({}));
  auto other_version = bytes;
  other_version[0] = 2;
  EXPECT_FALSE(MessageHeader::decode(other_version));
  auto too_short = bytes;
  too_short[1] = 47;
  EXPECT_FALSE(MessageHeader::decode(too_short));
}

TEST(MessageHeader, AcceptsFieldsAppendedLater) {
  const auto bytes = example().encode();
  std::vector<std::uint8_t> longer(bytes.begin(), bytes.end());
  longer[1] = 56;
  longer.resize(56, 0xff);
  EXPECT_EQ(MessageHeader::decode(longer), example());
}

}  // namespace
}  // namespace bpx::proto
