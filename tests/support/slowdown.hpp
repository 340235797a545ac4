#pragma once

namespace bpx::test {

/// By how much deadlines that the product promises are stretched in this build: sanitizers make
/// everything slower, which is no fault of the product.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlowdown = 20;
#else
inline constexpr int kSlowdown = 1;
#endif

}  // namespace bpx::test
