#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace bpx::bridge::cli {

/// Lines on their way to a file descriptor that may be slow to take them. They wait here, up to a
/// bound; from where it is reached until half of that has gone, nothing more is taken in. One
/// thread.
class Outbox {
 public:
  /// `most`: bytes that may wait.
  Outbox(int descriptor, std::size_t most) : descriptor_(descriptor), most_(most) {}

  int descriptor() const { return descriptor_; }

  /// Takes `line` in, and ends it. Returns false where there is no room for it.
  bool add(std::string_view line);

  /// Writes what the descriptor takes without waiting.
  void flush();

  /// Waits, no longer than `patience`, until there is something to flush to. False after that, and
  /// where a signal comes.
  bool wait(std::chrono::milliseconds patience) const;

  /// Bytes that have been taken in and are not written yet.
  std::size_t waiting() const { return waiting_; }

  /// Whether nothing is taken in.
  bool is_full() const { return is_full_; }

  /// Whether something could not be written: nothing more is.
  bool has_failed() const { return has_failed_; }

 private:
  void was_written(std::size_t bytes);

  int descriptor_;
  std::size_t most_;
  std::deque<std::string> blocks_;  ///< of whole lines; none is empty
  std::size_t written_ = 0;         ///< of the first
  std::size_t waiting_ = 0;
  bool is_full_ = false;
  bool has_failed_ = false;
};

}  // namespace bpx::bridge::cli
