#pragma once

#include "bridge/clock.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/minute_count.hpp"

#include <cstdint>
#include <string_view>

namespace bpx::bridge {

/// Logs events alike of which many may come at once, or again and again: the first of a minute as
/// they are, then a line that says so, and the others at level debug alone. One thread.
class FewAMinute {
 public:
  struct Options {
    std::uint64_t few = 20;
    std::string_view many;   ///< the event that says so
    std::string_view check;  ///< where to look instead
  };

  FewAMinute(Log& log, const Options& options) : log_(log), options_(options) {}

  void write(LogLevel level, std::string_view event, Log::Fields fields) {
    const auto count = count_.add(steady_ns());
    log_.write(count <= options_.few ? level : LogLevel::debug, event, fields);
    if (count == options_.few)
      log_.write(level, options_.many,
                 {{"within_a_minute", count},
                  {"further", "at log.level debug alone"},
                  {"check", options_.check}});
  }

 private:
  Log& log_;
  Options options_;
  MinuteCount count_;
};

}  // namespace bpx::bridge
