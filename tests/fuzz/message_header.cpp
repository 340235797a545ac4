// The third frame, as a consumer reads it from anybody.
#include "proto/message_header.hpp"

#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using bpx::fuzz::require;
  using bpx::proto::MessageHeader;
  const std::span input(bytes, size);
  const auto header = MessageHeader::decode(input);
  const bool is_one = size >= MessageHeader::kBytes && bytes[0] == MessageHeader::kVersion &&
                      bytes[1] >= MessageHeader::kBytes;
  require(header.has_value() == is_one, "a header is 48 bytes or more, of version 1");
  if (!header) return 0;
  const auto encoded = header->encode();
  constexpr std::size_t kFields = 2;  // behind version and length
  require(std::equal(encoded.begin() + kFields, encoded.end(), bytes + kFields),
          "every field goes back to where it came from");
  require(MessageHeader::decode(encoded) == *header, "what is encoded is decoded");
  return 0;
}
