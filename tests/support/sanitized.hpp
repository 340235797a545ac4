#pragma once

namespace bpx::test {

/// Whether this build is instrumented: memory is then held longer, and much fails in another way.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kIsSanitized = true;
#else
inline constexpr bool kIsSanitized = false;
#endif

}  // namespace bpx::test
