#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// What libFuzzer calls with every input; each target defines it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace bpx::fuzz {

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

}  // namespace bpx::fuzz
