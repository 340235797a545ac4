#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace bpx::bridge {

/// A file that is open for reading. What is read goes straight to where it is wanted: no buffer
/// keeps a copy, which matters where it is a secret.
class ReadableFile {
 public:
  enum class Kind {
    any,     ///< a FIFO too, and then reading waits for who writes into it
    regular  ///< nothing else, so that nobody waits for anybody; symbolic links are followed
  };

  static constexpr std::string_view kStandardInput = "/dev/stdin";  ///< whatever it is

  static constexpr std::chrono::seconds kPatience{30};

  /// `patience`: how long to wait for the next bytes.
  ReadableFile(const std::string& path, Kind kind, std::chrono::milliseconds patience = kPatience);
  ReadableFile(const ReadableFile&) = delete;
  ReadableFile& operator=(const ReadableFile&) = delete;
  ~ReadableFile();

  /// False where there is none, it may not be read, or it is of another kind.
  bool is_open() const { return descriptor_ >= 0; }

  /// Whether it is not open because nothing stands at the path, or a directory on the way is
  /// missing.
  bool is_absent() const;

  /// Why it is not open or could not be read, for a person: `does not exist`.
  std::string_view fault() const;

  /// Permissions; 0 where it is not open.
  unsigned mode() const { return status_.st_mode & 07777U; }

  /// Whether group or others may read or change it, and that is not a read-only mount's doing.
  bool is_open_to_others() const;

  /// Puts the file's next bytes into `text`, in place of what was there: all, or `max_bytes` of
  /// them. False where they cannot be read, do not come, or have not come when SIGTERM or SIGINT
  /// does, which has to be held for that; it is not taken.
  bool read_into(std::string& text, std::size_t max_bytes);

 private:
  void close(int error);
  std::size_t room() const;
  bool wait_for_writer();

  int descriptor_;
  std::chrono::milliseconds patience_;
  int error_ = 0;  ///< of the system: what went wrong
  struct stat status_ {};
};

}  // namespace bpx::bridge
