#pragma once

#include "bridge/observe/log.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Writes lines to stderr, but does not wait for ever: where nobody reads the other end of the
/// pipe, lines are dropped after a while, and how many is told once it is read again. So a stuck
/// log reader can neither stop the program nor keep it from ending. One thread.
class StderrSink {
 public:
  /// `format`: of the line that tells of dropped ones.
  explicit StderrSink(LogFormat format) : format_(format) {}
  /// Tells of what was dropped last, for which it waits a second at most.
  ~StderrSink();
  StderrSink(const StderrSink&) = delete;
  StderrSink& operator=(const StderrSink&) = delete;

  void write(std::string_view line);

  /// Counts `lines` that were lost before they came here among those to tell of.
  void note_dropped(std::uint64_t lines) { dropped_ += lines; }

 private:
  std::string notice() const;
  bool write_line(std::string_view line);
  bool write_all(std::string_view text);

  LogFormat format_;
  bool is_mid_line_ = false;
  bool is_stuck_ = false;
  std::uint64_t dropped_ = 0;
};

}  // namespace bpx::bridge
