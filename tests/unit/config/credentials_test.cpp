#include "bridge/config/credentials.hpp"

#include "tests/support/temporary_directory.hpp"
#include "tests/support/test_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kSecret = "TDSkv44jf/iD/QCKkyCdixO+p1sfLXxk+PZH7mW/ams=";
const std::string kPublic = "5+yQgwU0ZdJ/9s+GXfuPFfo7yQQpl9CgvQedJXne30o=";
const std::string kAnother = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

class LoadCredentials : public testing::Test {
 protected:
  std::optional<Credentials> load(std::vector<std::string> variables, bool needed = true) {
    const test::TestEnvironment environment(std::move(variables));
    problems_.clear();
    return load_credentials(environment.view(), needed, problems_);
  }

  /// Of both keys' files at `path`: none where none is needed, else a problem of each.
  void expect_no_key(const std::string& path, const std::string& wrong) {
    const std::vector<std::string> variables{"BACKPACK_PUBLIC_KEY_FILE=" + path,
                                             "BACKPACK_SECRET_KEY_FILE=" + path};
    EXPECT_FALSE(load(variables, false));
    EXPECT_THAT(problems_, IsEmpty());
    EXPECT_FALSE(load(variables, true));
    EXPECT_THAT(problems_, ElementsAre(Field(&Problem::path, "BACKPACK_PUBLIC_KEY_FILE"),
                                       Field(&Problem::path, "BACKPACK_SECRET_KEY_FILE")));
    EXPECT_THAT(problems_, testing::Each(Field(&Problem::wrong, HasSubstr(wrong))));
  }

  void TearDown() override {
    for (const auto& problem : problems_)
      EXPECT_THAT(to_line(problem), testing::Not(HasSubstr(kSecret))) << "a secret was shown";
  }

  test::TemporaryDirectory directory_;
  Problems problems_;
};

TEST_F(LoadCredentials, TakesThePairFromTheEnvironment) {
  const auto credentials =
      load({"BACKPACK_PUBLIC_KEY=" + kPublic, "BACKPACK_SECRET_KEY=" + kSecret});
  ASSERT_TRUE(credentials);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_EQ(credentials->key.verifying_key(), kPublic);
  EXPECT_EQ(credentials->source, "BACKPACK_SECRET_KEY");
}

TEST_F(LoadCredentials, TakesThePairFromFilesWithATrailingLineBreak) {
  const auto credentials =
      load({"BACKPACK_PUBLIC_KEY_FILE=" + directory_.write("public", kPublic + "\n"),
            "BACKPACK_SECRET_KEY_FILE=" + directory_.write("secret", kSecret + "\r\n")});
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->source, "BACKPACK_SECRET_KEY_FILE");
}

TEST_F(LoadCredentials, TakesThePairFromFilesHoweverAnEditorLeavesThem) {
  for (const auto* const before : {"", "\xef\xbb\xbf", "\xef\xbb\xbf \t", " \r\n\n"})
    for (const auto* const behind : {"", "\n", "\r\n", " \t\r\n\r\n"})
      EXPECT_TRUE(load(
          {"BACKPACK_PUBLIC_KEY_FILE=" + directory_.write("public", before + kPublic + behind),
           "BACKPACK_SECRET_KEY_FILE=" + directory_.write("secret", before + kSecret + behind)}));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(LoadCredentials, NamesTheQuotationMarksThatAKeyKeeps) {
  for (const auto& secret : {'"' + kSecret + '"', '\'' + kSecret + '\'', kSecret + '"'}) {
    EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=" + kPublic, "BACKPACK_SECRET_KEY=" + secret}));
    EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "keeps its quotation marks")));
  }
}

TEST_F(LoadCredentials, TakesAnEmptyFileForNoKeyWhereNoneIsNeeded) {
  for (const auto* const text : {"", "\n"})
    expect_no_key(directory_.write("nothing", text), "file that is empty");
}

TEST_F(LoadCredentials, TakesAFileThatIsNotThereForNoKeyWhereNoneIsNeeded) {
  for (const auto* const place : {"/nothing", "/no/such/directory"})
    expect_no_key(directory_.path().string() + place, "does not exist");
}

TEST_F(LoadCredentials, ReportsAFileThatIsThereButCannotBeReadEvenWithoutNeed) {
  for (const auto& [path, wrong] : std::vector<std::pair<std::string, std::string>>{
           {directory_.path(), "is a directory"},
           {directory_.write("file", "") + "/below", "cannot be read"}}) {
    EXPECT_FALSE(load({"BACKPACK_SECRET_KEY_FILE=" + path}, false));
    EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, "names a file that " + wrong)));
  }
}

TEST_F(LoadCredentials, TakesTheNamesOfTheGuideWhereNothingElseIsSet) {
  EXPECT_TRUE(load({"PUBLIC_KEY=" + kPublic, "SECRET_KEY=" + kSecret}));
  EXPECT_TRUE(load({"BACKPACK_PUBLIC_KEY=" + kPublic, "BACKPACK_SECRET_KEY=" + kSecret,
                    "PUBLIC_KEY=x", "SECRET_KEY=y"}));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(LoadCredentials, PrefersAKeysFileOfTheEnvironmentToAKeyInAFileOfVariables) {
  const auto file = [this](const std::string& text) {
    return EnvFile::read(directory_.write(".env", text), ReadableFile::Kind::regular, problems_);
  };
  const auto both = file("BACKPACK_PUBLIC_KEY=" + kPublic + "\nBACKPACK_SECRET_KEY=" + kAnother);
  const test::TestEnvironment environment(
      {"BACKPACK_SECRET_KEY_FILE=" + directory_.write("secret", kSecret)});
  const auto credentials = load_credentials(environment.view(both), true, problems_);
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->source, "BACKPACK_SECRET_KEY_FILE");
  EXPECT_THAT(problems_, IsEmpty());

  const auto twice = file("BACKPACK_SECRET_KEY=" + kSecret + "\nBACKPACK_SECRET_KEY_FILE=secret");
  EXPECT_FALSE(load_credentials(test::TestEnvironment().view(twice), false, problems_));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, HasSubstr("is set beside"))));
}

TEST_F(LoadCredentials, AsksForNothingWhereNoStreamIsPrivate) {
  EXPECT_FALSE(load({"SECRET_KEY=of another program"}, /*needed=*/false));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(LoadCredentials, ReportsEachMissingKey) {
  EXPECT_FALSE(load({}));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::path, "BACKPACK_PUBLIC_KEY"),
                                     Field(&Problem::path, "BACKPACK_SECRET_KEY")));
}

TEST_F(LoadCredentials, ReportsWhatIsNoKeyEvenWithoutNeed) {
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=" + kPublic, "BACKPACK_SECRET_KEY=" + kSecret + "x"}));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::path, "BACKPACK_SECRET_KEY")));
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=short", "BACKPACK_SECRET_KEY=" + kSecret}, false));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::path, "BACKPACK_PUBLIC_KEY")));
}

TEST_F(LoadCredentials, ReportsBothWhereNeitherIsAKey) {
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=short", "BACKPACK_SECRET_KEY=short"}));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::path, "BACKPACK_PUBLIC_KEY"),
                                     Field(&Problem::path, "BACKPACK_SECRET_KEY")));
}

TEST_F(LoadCredentials, NeverShowAKeyThatStandsWhereAPathShould) {
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=" + kPublic, "BACKPACK_SECRET_KEY_FILE=" + kSecret}));
  EXPECT_EQ(problems_.size(), 1U);  // TearDown looks for the secret
}

TEST_F(LoadCredentials, TakeAnEmptyVariableForUnset) {
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=", "BACKPACK_SECRET_KEY="}, /*needed=*/false));
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_TRUE(load({"BACKPACK_PUBLIC_KEY=" + kPublic, "BACKPACK_SECRET_KEY=",
                    "BACKPACK_SECRET_KEY_FILE=" + directory_.write("secret", kSecret)}));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(LoadCredentials, ReportADirectoryAsUnreadable) {
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=" + kPublic,
                     "BACKPACK_SECRET_KEY_FILE=" + directory_.path().string()}));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, HasSubstr("is a directory"))));
}

TEST_F(LoadCredentials, ReportsKeysThatDoNotBelongTogether) {
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=" + kAnother, "BACKPACK_SECRET_KEY=" + kSecret}));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, HasSubstr("does not belong"))));
}

TEST_F(LoadCredentials, ReportsAKeyThatIsGivenTwice) {
  EXPECT_FALSE(load({"BACKPACK_PUBLIC_KEY=" + kPublic, "BACKPACK_SECRET_KEY=" + kSecret,
                     "BACKPACK_SECRET_KEY_FILE=/x"}));
  EXPECT_THAT(problems_, ElementsAre(Field(&Problem::wrong, HasSubstr("set beside"))));
}

}  // namespace
}  // namespace bpx::bridge
