#include "bridge/config/env_file.hpp"

#include "bridge/config/environment.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/test_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class EnvFileTest : public testing::Test {
 protected:
  EnvFile read(std::string_view text) {
    problems_.clear();
    return EnvFile::read(directory_.write(".env", text), ReadableFile::Kind::regular, problems_);
  }

  /// The value of `A`, which `text` sets, and nothing else.
  std::string value_in(std::string_view text) {
    const auto file = read(text);
    EXPECT_THAT(problems_, IsEmpty()) << text;
    if (file.variables().size() != 1 || file.variables()[0].name != "A") return "not A alone";
    return file.variables()[0].value;
  }

  test::TemporaryDirectory directory_;
  Problems problems_;
};

TEST_F(EnvFileTest, HoldsAVariableALineBesideCommentsAndBlankLines) {
  const auto file = read("# keys\n\nPUBLIC_KEY=abc+/=\n  # more\nSECRET_KEY=def=\n");
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(file.variables(), ElementsAre(Field(&EnvFile::Variable::name, "PUBLIC_KEY"),
                                            Field(&EnvFile::Variable::name, "SECRET_KEY")));
  EXPECT_EQ(file.variables()[0].value, "abc+/=");
  EXPECT_EQ(file.variables()[1].value, "def=");
}

TEST_F(EnvFileTest, IsReadHoweverEditorsAndShellsWriteIt) {
  for (const auto* const text :
       {"A=x y", "A=x y\n", "A=x y\r\n",
        "\xef\xbb\xbf"
        "A=x y",
        "  A = x y  \n", "A=\"x y\"", "A='x y'", "export A='x y'\r\n", "export\tA=x y",
        "A=x y # why", "A=\"x y\" # why", "A='x y'\t#why\n", "A=before\nA=x y\n"})
    EXPECT_EQ(value_in(text), "x y") << text;
}

TEST_F(EnvFileTest, TakesWhatStandsBetweenQuotationMarksAsItIs) {
  EXPECT_EQ(value_in("A=' # $B \\n \" '"), " # $B \\n \" ");
  EXPECT_EQ(value_in("A=\" it's \""), " it's ");
  EXPECT_EQ(value_in("A=x#y"), "x#y");
  EXPECT_EQ(value_in("A=\"\""), "");
  EXPECT_EQ(value_in("A="), "");
  EXPECT_EQ(value_in("A=#"), "");
}

TEST_F(EnvFileTest, TakesNoOtherLineAndShowsNothingOfIt) {
  for (const auto& line : {"secret"s, "=secret"s, "A B=secret"s, "\"A\"=secret"s, "A=\"secret"s,
                           "A='secret\""s, "A=\"sec\"ret"s, "A=sec\0ret"s}) {
    EXPECT_THAT(
        read("B=1\n" + line + "\nC=2\n").variables(),
        ElementsAre(Field(&EnvFile::Variable::name, "B"), Field(&EnvFile::Variable::name, "C")));
    ASSERT_EQ(problems_.size(), 1U) << line;
    EXPECT_THAT(problems_[0].path, testing::EndsWith(".env:2")) << line;
    EXPECT_THAT(to_line(problems_[0]), Not(HasSubstr("sec"))) << line;
  }
}

TEST_F(EnvFileTest, MustBeThereAndOfAModestSize) {
  EnvFile::read(directory_.path() / "absent", ReadableFile::Kind::any, problems_);
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "does not exist")));
  read(std::string((std::size_t{1} << 20U) + 1, '#'));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "holds more than 1 MiB")));
}

TEST_F(EnvFileTest, MayHoldAnyNumberOfNames) {
  std::string text;
  std::size_t names = 0;
  for (; text.size() < (std::size_t{1} << 20U) - 16; ++names) text += std::to_string(names) + "=\n";
  EXPECT_EQ(read(text + "0=last\n").variables().size(), names);
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(EnvFileTest, StandsBehindTheEnvironmentUnlessThatHoldsNothing) {
  const auto file = read("A=file\nB=file\nC=file\nD=\n");
  const std::vector<const char*> entries{"A=process", "B=", nullptr};
  const Environment environment(entries.data(), file);
  EXPECT_EQ(environment.find("A"), "process");
  EXPECT_EQ(environment.find("B"), "file");
  EXPECT_EQ(environment.find("C"), "file");
  EXPECT_EQ(environment.find("D"), std::nullopt);
  EXPECT_EQ(environment.with_prefix("").size(), 3U);
}

}  // namespace
}  // namespace bpx::bridge
