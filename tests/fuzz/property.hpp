#pragma once

#include <cstdio>
#include <cstdlib>

namespace bpx::fuzz {

/// Ends the process, which keeps the input, where a property does not hold.
inline void require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "property does not hold: %s\n", property);
  std::abort();
}

}  // namespace bpx::fuzz
