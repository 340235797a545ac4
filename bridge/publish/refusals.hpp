#pragma once

#include "bridge/observe/counter.hpp"
#include "bridge/observe/log.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace bpx::bridge {

/// Counts the peers that one endpoint has turned away, and logs them: of each address and reason
/// the first, second, fourth, eighth, … and one a minute. Used by one thread.
class Refusals {
 public:
  /// `endpoint`: public or private.
  Refusals(std::string endpoint, Counter& counter, Log& log)
      : endpoint_(std::move(endpoint)), counter_(counter), log_(log) {}

  /// `address` may be empty where it could not be learnt. `key`: the client's public key, empty
  /// where it did not get as far as showing one.
  void note(std::string_view address, std::string_view reason, std::string_view key = {});

 private:
  using Clock = std::chrono::steady_clock;
  struct Series {
    std::uint64_t count = 0;
    Clock::time_point said;
  };

  using ByAddressAndReason = std::map<std::pair<std::string, std::string>, Series>;
  using Named = ByAddressAndReason::value_type;

  Named& series_of(std::string_view address, std::string_view reason);

  std::string endpoint_;
  Counter& counter_;
  Log& log_;
  ByAddressAndReason series_;
};

}  // namespace bpx::bridge
