#include "tests/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

namespace bpx::test {
namespace {

TEST(ATemporaryDirectory, OfAKilledTestIsRemovedByTheNextAndNoOtherIs) {
  // Where no other test looks for what it may remove.
  const TemporaryDirectory place;
  ASSERT_EQ(setenv("TMPDIR", place.path().c_str(), 1), 0);
  const TemporaryDirectory in_use;
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const auto process = fork();
  if (process == 0) {
    const TemporaryDirectory directory;
    const auto file = directory.write("file", "text");
    [[maybe_unused]] const auto said = write(ends[1], file.data(), file.size());
    raise(SIGKILL);
  }
  close(ends[1]);
  std::array<char, 4096> text{};
  const auto length = read(ends[0], text.data(), text.size());
  close(ends[0]);
  int status = 0;
  ASSERT_EQ(waitpid(process, &status, 0), process);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_GT(length, 0);
  const std::filesystem::path file(std::string(text.data(), static_cast<std::size_t>(length)));

  const TemporaryDirectory next;
  EXPECT_FALSE(std::filesystem::exists(file.parent_path())) << file;
  EXPECT_TRUE(std::filesystem::exists(in_use.path()));
  EXPECT_TRUE(std::filesystem::exists(next.path()));
  EXPECT_EQ(unsetenv("TMPDIR"), 0);
}

TEST(ATemporaryDirectory, IsGoneAtTheEndWithAllThatIsInIt) {
  std::filesystem::path path;
  {
    const TemporaryDirectory directory;
    path = directory.path();
    EXPECT_TRUE(std::filesystem::exists(directory.write("file", "text")));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace bpx::test
