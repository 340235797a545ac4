// What a NATS server says, and anybody who answers at its address.
#include "bridge/publish/nats_protocol.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using bpx::bridge::NatsOperation;
  using bpx::fuzz::require;
  std::string_view input(reinterpret_cast<const char*>(bytes), size);
  while (const auto operation = bpx::bridge::next_operation(input)) {
    if (operation->kind == NatsOperation::Kind::malformed) return 0;
    require(operation->bytes > 0 && operation->bytes <= input.size(), "it ends within the input");
    require(operation->subject.size() + operation->headers.size() + operation->text.size() <
                operation->bytes,
            "its parts do not overlap");
    const auto alone = bpx::bridge::next_operation(input.substr(0, operation->bytes));
    require(alone && alone->text == operation->text, "what follows it changes nothing");
    const auto cut = bpx::bridge::next_operation(input.substr(0, operation->bytes - 1));
    require(!cut, "it is not read before its end has come");
    input.remove_prefix(operation->bytes);
  }
  return 0;
}
