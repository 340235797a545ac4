#include "bridge/config/curve_settings.hpp"

#include "bridge/config/validate.hpp"
#include "tests/support/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace bpx::bridge {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class CurveSettings : public testing::Test {
 protected:
  CurveSettings() { config_.upstream.streams = {"trade.A"}; }

  std::string key_file(std::string_view text) const {
    const auto path = directory_.write("key", text);
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    return path;
  }

  /// All that is wrong, with the file named by `publish.private.curve` read.
  Problems problems() {
    Problems found;
    validate(config_, found);
    keys_ = load_curve_keys(config_, found);
    return found;
  }

  static auto problem(const std::string& path, const std::string& wrong) {
    return testing::AllOf(Field(&Problem::path, path), Field(&Problem::wrong, HasSubstr(wrong)),
                          Field(&Problem::mend, Not(IsEmpty())));
  }

  test::TemporaryDirectory directory_;
  CurveKey server_ = CurveKey::generate();
  CurveKey client_ = CurveKey::generate();
  Config config_;
  Config::Curve& curve_ = config_.publish.private_.curve;
  CurveKeys keys_;
};

TEST_F(CurveSettings, AreFineWithAKeyAndListedClients) {
  curve_ = {key_file(server_.secret_key()), {client_.public_key(), server_.public_key()}};
  config_.publish.private_.bind = {"tcp://0.0.0.0:5556"};
  EXPECT_THAT(problems(), IsEmpty()) << "encrypted, it may leave this machine";
  ASSERT_TRUE(keys_.private_);
  EXPECT_EQ(keys_.private_->public_key(), server_.public_key());
  EXPECT_FALSE(keys_.public_);
  curve_.allow = {"*"};
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(CurveSettings, ProtectNothingWithoutAServerKey) {
  curve_.allow = {client_.public_key()};
  config_.publish.private_.bind = {"tcp://0.0.0.0:5556"};
  EXPECT_THAT(problems(), ElementsAre(problem("publish.private.bind[0]", "in the clear"),
                                      problem("publish.private.curve.allow", "open to everyone")));
}

TEST_F(CurveSettings, AdmitNobodyByAnEmptyList) {
  curve_.secret_key_file = key_file(server_.secret_key());
  EXPECT_THAT(problems(), ElementsAre(problem("publish.private.curve.allow", "is empty")));
}

TEST_F(CurveSettings, TellOfEveryFaultAtOnceAndShowNoEntry) {
  const auto half = client_.secret_key().substr(0, 20);
  curve_ = {"/nonexistent", {client_.public_key(), half, "*", ""}};
  config_.publish.public_.curve.allow = {"*"};
  const auto found = problems();
  EXPECT_THAT(found,
              ElementsAre(problem("publish.public.curve.allow", "open to everyone"),
                          problem("publish.private.curve.allow[1]", "not 40 characters of Z85"),
                          problem("publish.private.curve.allow[2]", "admits any client"),
                          problem("publish.private.curve.allow[3]", "not 40 characters of Z85"),
                          problem("publish.private.curve.secret_key_file",
                                  "names a file that does not exist")));
  for (const auto& one : found) EXPECT_THAT(to_line(one), Not(HasSubstr(half)));
}

TEST_F(CurveSettings, NoticeASecretKeyAmongTheClients) {
  curve_ = {key_file(server_.secret_key()), {client_.public_key(), server_.secret_key()}};
  const auto found = problems();
  EXPECT_THAT(found,
              ElementsAre(problem("publish.private.curve.allow[1]", "is the server's secret key")));
  EXPECT_THAT(to_line(found[0]), Not(HasSubstr(server_.secret_key())));
}

TEST_F(CurveSettings, NoticeAKeyInThePlaceOfItsFile) {
  curve_ = {server_.secret_key(), {client_.public_key()}};
  const auto found = problems();
  EXPECT_THAT(found, ElementsAre(problem("publish.private.curve.secret_key_file",
                                         "names a file that does not exist")));
  EXPECT_THAT(to_line(found[0]), Not(HasSubstr(server_.secret_key())));
}

TEST_F(CurveSettings, NoticeAFileWithoutAKey) {
  curve_ = {key_file("no key"), {client_.public_key()}};
  EXPECT_THAT(problems(),
              ElementsAre(problem("publish.private.curve.secret_key_file", "does not hold")));
}

}  // namespace
}  // namespace bpx::bridge
