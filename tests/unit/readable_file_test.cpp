#include "bridge/readable_file.hpp"

#include "tests/support/temporary_directory.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/stat.h>

namespace bpx::bridge {
namespace {

using Kind = ReadableFile::Kind;

class ReadableFileTest : public testing::Test {
 protected:
  std::string fifo() const {
    const auto path = (directory_.path() / "fifo").string();
    EXPECT_EQ(mkfifo(path.c_str(), 0600), 0);
    return path;
  }

  test::TemporaryDirectory directory_;
};

TEST_F(ReadableFileTest, GivesWhatTheFileHoldsUpToABound) {
  const auto path = directory_.write("file", "twelve bytes");
  std::string text = "something else";
  EXPECT_TRUE(ReadableFile(path, Kind::regular).read_into(text, 100));
  EXPECT_EQ(text, "twelve bytes");
  EXPECT_TRUE(ReadableFile(path, Kind::regular).read_into(text, 6));
  EXPECT_EQ(text, "twelve");
}

TEST_F(ReadableFileTest, GivesAllOfWhatHasGrownSinceItWasOpened) {
  const auto path = directory_.write("file", "twelve bytes");
  ReadableFile file(path, Kind::regular);
  std::ofstream(path, std::ios::app) << " and more";
  std::string text;
  EXPECT_TRUE(file.read_into(text, 100));
  EXPECT_EQ(text, "twelve bytes and more");
}

TEST_F(ReadableFileTest, FollowsLinksAsKubernetesMountsThem) {
  directory_.write("file", "text");
  const auto link = directory_.path() / "link";
  std::filesystem::create_symlink("file", link);
  std::string text;
  EXPECT_TRUE(ReadableFile(link.string(), Kind::regular).read_into(text, 100));
  EXPECT_EQ(text, "text");
}

TEST_F(ReadableFileTest, TakesARegularFileAloneWhereNobodyIsToWait) {
  for (const auto& path : {fifo(), directory_.path().string(), std::string("/dev/zero"),
                           (directory_.path() / "absent").string()})
    EXPECT_FALSE(ReadableFile(path, Kind::regular).is_open()) << path;
}

TEST_F(ReadableFileTest, TellsWhatIsNotThereFromWhatCannotBeOpened) {
  const auto file = directory_.write("file", "text");
  EXPECT_TRUE(ReadableFile((directory_.path() / "absent").string(), Kind::any).is_absent());
  EXPECT_TRUE(ReadableFile(file + "s/below", Kind::any).is_absent());
  for (const auto& path : {file, file + "/below", std::string("/dev/zero")})
    EXPECT_FALSE(ReadableFile(path, Kind::regular).is_absent()) << path;
}

TEST_F(ReadableFileTest, SaysWhyItCannotBeRead) {
  const auto fault_of = [](const std::string& path, Kind kind) {
    return ReadableFile(path, kind).fault();
  };
  EXPECT_EQ(fault_of("/no/such/file", Kind::any), "does not exist");
  EXPECT_EQ(fault_of(directory_.path().string(), Kind::any), "is a directory");
  EXPECT_EQ(fault_of(fifo(), Kind::regular), "is no regular file");
}

TEST_F(ReadableFileTest, WaitsForAWriterWhereItMay) {
  const auto path = fifo();
  std::thread writer([&] { std::ofstream(path) << "in" << std::flush << " parts"; });
  std::string text;
  EXPECT_TRUE(ReadableFile(path, Kind::any).read_into(text, 100));
  writer.join();
  EXPECT_EQ(text, "in parts");
}

TEST_F(ReadableFileTest, WaitsForNobodyForEver) {
  using std::chrono::milliseconds;
  std::string text;
  ReadableFile without_writer(fifo(), Kind::any, milliseconds(10));
  EXPECT_FALSE(without_writer.read_into(text, 100));
  EXPECT_EQ(without_writer.fault(), "was waited for in vain: nothing more came, and no end of it");

  const auto path = (directory_.path() / "fifo").string();
  ReadableFile with_slow_writer(path, Kind::any, milliseconds(10));
  std::ofstream writer(path);
  writer << "half of it" << std::flush;
  EXPECT_FALSE(with_slow_writer.read_into(text, 100));
  EXPECT_EQ(text, "half of it");
}

TEST_F(ReadableFileTest, IsWaitedForUntilASignalComes) {
  const auto path = fifo();
  std::string text;
  for (const int signal : {SIGTERM, SIGINT}) {
    sigset_t held, before;
    sigemptyset(&held);
    sigaddset(&held, signal);
    pthread_sigmask(SIG_BLOCK, &held, &before);
    raise(signal);
    ReadableFile file(path, Kind::any);
    EXPECT_FALSE(file.read_into(text, 100));
    EXPECT_EQ(file.fault(), "was waited for until a signal came");
    EXPECT_TRUE(ReadableFile(directory_.write("file", "text"), Kind::any).read_into(text, 100));
    int taken = 0;
    EXPECT_EQ(sigwait(&held, &taken), 0);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
}

TEST_F(ReadableFileTest, DoesNotReadADirectory) {
  std::string text;
  EXPECT_FALSE(ReadableFile(directory_.path().string(), Kind::any).read_into(text, 100));
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace bpx::bridge
