#include "bridge/cli/book_answers.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge::cli {
namespace {

TEST(BookAnswers, AreSettledByABookWhoeverAnswersFirst) {
  BookAnswers answers(2);
  EXPECT_FALSE(answers.has_come());
  EXPECT_FALSE(answers.settled_by("")) << "the other may have it";
  EXPECT_TRUE(answers.has_come());
  EXPECT_TRUE(answers.settled_by("{}"));
}

TEST(BookAnswers, AreSettledByNothingOnceEveryEndpointSaysSo) {
  BookAnswers one(1);
  EXPECT_TRUE(one.settled_by(""));
  BookAnswers three(3);
  EXPECT_FALSE(three.settled_by(""));
  EXPECT_FALSE(three.settled_by(""));
  EXPECT_TRUE(three.settled_by(""));
}

}  // namespace
}  // namespace bpx::bridge::cli
