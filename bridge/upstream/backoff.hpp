#pragma once

#include <chrono>
#include <cstdint>
#include <random>

namespace bpx::bridge {

/// How long to wait before the next attempt to connect: exponential with full jitter, so that many
/// clients that lost the exchange together do not come back together. Pure but for its random
/// numbers.
class Backoff {
 public:
  struct Options {
    std::chrono::milliseconds initial{100};
    std::chrono::milliseconds max{30'000};
    std::chrono::milliseconds stable_after{60'000};  ///< of live data: then failures are forgotten
  };

  Backoff(const Options& options, std::uint64_t seed);

  /// The wait after a connection, or an attempt at one, that ended. `lived` is how long data flowed
  /// on it, 0 if it never did. Where the server invited its clients back the wait is 0, once until
  /// data has been stable again: a server that closes at every greeting is not hammered.
  std::chrono::milliseconds after(std::chrono::milliseconds lived, bool is_invited);

  /// Failures are forgotten.
  void reset();

 private:
  Options options_;
  std::mt19937_64 random_;
  std::chrono::milliseconds ceiling_;
  bool may_return_at_once_ = true;
};

}  // namespace bpx::bridge
