#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace bpx::test {

/// A directory of the test's own, removed with everything in it at the end: by the next test that
/// has one, where this one is killed. That it is in use shows in a lock on it. One that is killed
/// while it makes its directory leaves that, empty.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    remove_those_of_killed_tests();
    // It gets its name only when it is locked: nobody takes it for one of a killed test.
    auto unnamed = (place() / (std::string(kUnnamed) + std::string(kPrefix) + "XXXXXX")).string();
    if (mkdtemp(unnamed.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    lock_ = locked(unnamed);
    if (lock_ < 0) throw std::runtime_error("no lock on " + unnamed);
    path_ = place() / std::filesystem::path(unnamed).filename().string().substr(kUnnamed.size());
    std::filesystem::rename(unnamed, path_);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
    close(lock_);
  }

  const std::filesystem::path& path() const { return path_; }

  /// Writes a file and returns its path.
  std::string write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name) << text;
    return (path_ / name).string();
  }

 private:
  static constexpr std::string_view kPrefix = "bpx-test-";
  static constexpr std::string_view kUnnamed = ".new-";

  static std::filesystem::path place() { return std::filesystem::temp_directory_path(); }

  /// A descriptor that has the lock, or -1 where another has it.
  static int locked(const std::filesystem::path& directory) {
    const int lock = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) == 0) return lock;
    close(lock);
    return -1;
  }

  static void remove_those_of_killed_tests() {
    std::error_code ignored;
    for (std::filesystem::directory_iterator at(place(), ignored), end; at != end;
         at.increment(ignored)) {
      if (!at->path().filename().string().starts_with(kPrefix)) continue;
      const int lock = locked(at->path());
      if (lock < 0) continue;
      std::filesystem::remove_all(at->path(), ignored);
      close(lock);
    }
  }

  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace bpx::test
