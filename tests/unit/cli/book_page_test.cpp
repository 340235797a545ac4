#include "bridge/cli/book_page.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge::cli {
namespace {

TEST(BookPage, ShowsTheBestLevelsWithPointsBelowOneAnother) {
  const auto page = book_page(
      "depth.A",
      R"({"asks":[["98.97","39.70"],["100","1"],["101.5","7"]],"bids":[["1","1"],["98.9","288.77"],["98.96","0.5"]],"lastUpdateId":"43","timestamp":1})",
      2);
  EXPECT_EQ(page,
            "depth.A  update 43, 3 asks and 3 bids\n"
            "  ask  100       1\n"
            "  ask   98.97   39.70\n"
            "  ---\n"
            "  bid   98.96    0.5\n"
            "  bid   98.9   288.77\n");
}

TEST(BookPage, ShowsAnEmptyBookAsOne) {
  EXPECT_EQ(book_page("depth.A", R"({"asks":[],"bids":[],"lastUpdateId":"4"})", 10),
            "depth.A  update 4, 0 asks and 0 bids\n");
}

TEST(BookPage, NeverSteersTheTerminal) {
  const auto page = book_page(
      "depth.A", R"({"asks":[["1\u001b[2J","2\n"]],"bids":[],"lastUpdateId":"4\u001b"})", 10);
  ASSERT_TRUE(page);
  EXPECT_EQ(page->find('\x1b'), std::string::npos);
  EXPECT_EQ(page->find("2\n\n"), std::string::npos);
}

TEST(BookPage, IsNoneOfWhatIsNoBook) {
  for (const auto* payload :
       {"", "[]", "null", "{}", R"({"asks":[],"bids":[]})",
        R"({"asks":[["1"]],"bids":[],"lastUpdateId":"4"})",
        R"({"asks":[[1,2]],"bids":[],"lastUpdateId":"4"})",
        R"({"asks":{},"bids":[],"lastUpdateId":"4"})", R"({"asks":[],"bids":[],"lastUpdateId":4})"})
    EXPECT_FALSE(book_page("depth.A", payload, 10)) << payload;
}

}  // namespace
}  // namespace bpx::bridge::cli
