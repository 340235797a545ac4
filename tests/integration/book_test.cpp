#include "tests/support/running_bridge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using exchange::ExchangeOptions;
using exchange::SimulatedExchange;
using testing::ContainsRegex;
using Flag = proto::MessageHeader::Flag;

constexpr std::int64_t kEventUs = 1'788'367'430'323'775;

/// A bridge that keeps the books of two streams, and an exchange that says what the test tells it.
class BookTest : public testing::Test {
 protected:
  BookTest() {
    snapshot(10);
    EXPECT_TRUE(exchange_.wait_for_subscriptions(4));
  }

  static bridge::Config config(const SimulatedExchange& exchange,
                               const TemporaryDirectory& directory) {
    auto config = test_config(exchange, directory,
                              {"depth.A", "depth.200ms.A", "depth.B", "account.orderUpdate"});
    config.publish.books = {"depth.A", "depth.200ms.A"};
    return config;
  }

  /// What REST answers from now on: update `id` of a market in which each update sets the quantity
  /// at price 2 to its id.
  void snapshot(std::uint64_t id) {
    const auto text = std::to_string(id);
    exchange_.script_depth("A", R"({"asks":[["2.0",")" + text +
                                    R"("],["3.50","7"]],"bids":[["1.5","1"],["1.90","8"]],)" +
                                    R"("lastUpdateId":")" + text + R"(","timestamp":1})");
  }

  void update(std::uint64_t first, std::uint64_t last, const std::string& stream = "depth.A") {
    exchange_.publish(stream, R"({"E":)" + std::to_string(kEventUs) + R"(,"U":)" +
                                  std::to_string(first) + R"(,"a":[["2.0",")" +
                                  std::to_string(last) + R"("]],"b":[],"u":)" +
                                  std::to_string(last) + "}");
  }
  void update(std::uint64_t id) { update(id, id); }

  static std::string book_at(std::uint64_t id) {
    const auto text = std::to_string(id);
    return R"({"asks":[["2.0",")" + text +
           R"("],["3.50","7"]],"bids":[["1.5","1"],["1.90","8"]],)" + R"("lastUpdateId":")" + text +
           R"(","timestamp":)" + std::to_string(kEventUs) + "}";
  }

  /// What the bridge answers now.
  Message ask(const std::string& stream, const std::string& endpoint) {
    const auto topic = "bridge.book/" + stream + "/" + std::to_string(++asked_);
    Subscriber consumer(endpoint, {topic});
    auto answer = consumer.receive();
    EXPECT_TRUE(answer) << "no answer";
    if (!answer) return {};
    EXPECT_EQ(answer->topic, topic);
    return std::move(*answer);
  }
  Message ask(const std::string& stream = "depth.A") {
    return ask(stream, bridge_.public_endpoint());
  }

  /// Whether the book comes to be as `expected`. A request a time: a hundred a second are served.
  bool becomes(const std::string& expected, const std::string& stream = "depth.A") {
    std::string answer;
    const auto is_right = [&] { return (answer = ask(stream).payload) == expected; };
    const bool has_become = comes_true(is_right, 20ms);
    EXPECT_TRUE(has_become) << "last: " << answer << '\n' << bridge_.log();
    return has_become;
  }

  bool wait_for_in_sync(double value) {
    return bridge_.wait_for_metric(R"(book_in_sync{stream="depth.A"})", value);
  }
  double resyncs() const { return bridge_.metric(R"(book_resyncs_total{stream="depth.A"})"); }

  SimulatedExchange exchange_{ExchangeOptions{}};
  TemporaryDirectory directory_;
  RunningBridge bridge_{config(exchange_, directory_)};
  int asked_ = 0;
};

TEST_F(BookTest, IsTheExchangesBookAfterTheLastMessagePublished) {
  ReadySubscriber live(bridge_.public_endpoint(), {"depth.A"});
  for (std::uint64_t id = 9; id <= 12; ++id) update(id);
  const auto messages = live.take(4);
  ASSERT_EQ(messages.size(), 4U);
  ASSERT_TRUE(wait_for_in_sync(1)) << bridge_.log();
  const auto answer = ask();
  EXPECT_EQ(answer.payload, book_at(12));
  auto header = messages.back().header;
  EXPECT_GE(answer.header.sent_ns, header.sent_ns);
  header.flags = Flag::replay;
  header.sent_ns = answer.header.sent_ns;
  EXPECT_EQ(answer.header, header);
  EXPECT_TRUE(bridge_.wait_for_log("book in sync stream=depth.A update_id="));
  EXPECT_EQ(bridge_.metric(R"(replays_total{result="served"})"), 1);
}

TEST_F(BookTest, TakesItsPlaceAmongTheLiveMessages) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  for (int i = 0; i < 20; ++i) {
    const auto topic = "bridge.book/depth.A/order-" + std::to_string(i);
    Subscriber consumer(bridge_.public_endpoint(), {"depth.A"});
    consumer.subscribe(topic);
    const auto first = 11 + static_cast<std::uint64_t>(i) * 50;
    for (auto id = first; id < first + 50; ++id) update(id);
    std::uint64_t newest = 0;
    std::optional<Message> answer;
    // The first message was update 10.
    while (!answer || std::max(newest, answer->header.sequence) < first + 49 - 9) {
      const auto message = consumer.receive();
      ASSERT_TRUE(message) << newest;
      if (message->topic == topic) {
        answer = message;
        EXPECT_EQ(message->payload, book_at(message->header.sequence + 9));
        EXPECT_TRUE(newest == 0 || newest == message->header.sequence);
      } else {
        newest = message->header.sequence;
      }
    }
  }
}

TEST_F(BookTest, IsEmptyAndSaysSoWhereNoneIsInSync) {
  const auto expect_none = [&](const Message& answer, std::uint64_t sequence) {
    EXPECT_EQ(answer.payload, "");
    EXPECT_EQ(answer.header.flags, Flag::replay | Flag::end_of_replay);
    EXPECT_EQ(answer.header.sequence, sequence);
    EXPECT_GT(answer.header.epoch_us, 0U);
  };
  expect_none(ask(), 0);
  ReadySubscriber live(bridge_.public_endpoint(), {"depth.B"});
  update(1, 1, "depth.B");
  ASSERT_TRUE(live.next());
  expect_none(ask("depth.B"), 1);  // not in publish.books
  expect_none(ask("depth.C"), 0);
  expect_none(ask("account.orderUpdate"), 0);
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  expect_none(ask("depth.A", bridge_.private_endpoint()), 0);
  EXPECT_GE(bridge_.metric(R"(replays_total{result="unknown"})"), 5);
}

TEST_F(BookTest, IsBuiltAnewAfterAGap) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  EXPECT_EQ(resyncs(), 0);
  exchange_.script_depth("A", "not yet");
  update(15);
  ASSERT_TRUE(wait_for_in_sync(0));
  EXPECT_EQ(ask().payload, "");
  EXPECT_TRUE(bridge_.wait_for_log("book lost stream=depth.A reason=gap"));
  update(16);
  snapshot(15);
  EXPECT_TRUE(becomes(book_at(16)));
  EXPECT_EQ(resyncs(), 1);
}

TEST_F(BookTest, IsBuiltAnewAfterAMessageThatCannotBeRead) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  snapshot(11);
  exchange_.publish("depth.A", R"({"U":11,"a":[["2.0"]],"b":[],"u":11})");
  ASSERT_TRUE(bridge_.wait_for_log("book lost stream=depth.A reason=malformed"));
  EXPECT_EQ(ask().payload, "");
  update(12);
  EXPECT_TRUE(becomes(book_at(12)));
}

TEST_F(BookTest, OutlivesARepetition) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  update(11);
  exchange_.apply(exchange::fault::Repeat{.count = 3, .stream = "depth.A"});
  ASSERT_TRUE(bridge_.wait_for_metric(R"(received_messages_total{stream="depth.A"})", 5));
  const auto answer = ask();
  EXPECT_EQ(answer.payload, book_at(11));
  EXPECT_EQ(answer.header.sequence, 5U);
  EXPECT_EQ(resyncs(), 0);
}

TEST_F(BookTest, JoinsASnapshotThatIsNewerThanTheStream) {
  snapshot(13);
  update(10);
  ASSERT_TRUE(bridge_.wait_for_log("book snapshot stream=depth.A update_id=13 in_sync=false"));
  update(11);
  update(12);
  EXPECT_EQ(ask().payload, "");
  update(13);
  EXPECT_TRUE(becomes(book_at(13)));
}

class NonsenseInPlaceOfASnapshot : public BookTest,
                                   public testing::WithParamInterface<const char*> {};

TEST_P(NonsenseInPlaceOfASnapshot, IsAskedForAgainAndSoIsOneThatIsTooOld) {
  exchange_.script_depth("A", std::string(GetParam()) + ' ');
  update(20);
  ASSERT_TRUE(bridge_.wait_for_log("book snapshot failed stream=depth.A"));
  EXPECT_EQ(ask().payload, "");
  snapshot(10);
  ASSERT_TRUE(bridge_.wait_for_log(
      "book snapshot stream=depth.A update_id=10 in_sync=false another_wanted=true"));
  EXPECT_EQ(ask().payload, "");
  snapshot(19);
  EXPECT_TRUE(becomes(book_at(20)));
}

INSTANTIATE_TEST_SUITE_P(Book, NonsenseInPlaceOfASnapshot,
                         testing::Values("", "null", "<html>",
                                         R"({"asks":[["1"]],"bids":[],"lastUpdateId":"10"})",
                                         R"({"asks":[],"bids":[],"lastUpdateId":"ten"})"));

TEST_F(BookTest, WaitsForARestSideThatIsDown) {
  exchange_.apply(exchange::fault::Refuse{});
  update(10);
  ASSERT_TRUE(
      bridge_.wait_for_log("book snapshot failed stream=depth.A detail=\"Connection refused\""));
  update(11);
  exchange_.apply(exchange::fault::Heal{});
  EXPECT_TRUE(becomes(book_at(11)));
}

TEST_F(BookTest, IsFetchedFromARestSideThatEndsEachConnectionToldOrUntold) {
  // More than are fetched at a time, so that a connection is used again, or would be.
  std::vector<std::string> books;
  for (int i = 0; i < 6; ++i) books.push_back("depth.S" + std::to_string(i));
  auto many = test_config(exchange_, directory_, books);
  many.publish.books = books;
  RunningBridge bridge(many);
  ASSERT_TRUE(exchange_.wait_for_exactly({books.begin(), books.end()}));
  std::uint64_t id = 10;
  for (const auto* const header : {"", "Connection: close\r\n", ""}) {
    id += 10;  // a gap
    const auto body = book_at(id);
    exchange_.apply(exchange::fault::Answer{
        .to = exchange::fault::Answer::To::rest,
        .bytes = "HTTP/1.1 200 OK\r\n" + std::string(header) +
                 "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body});
    for (const auto& book : books) update(id, id, book);
    for (const auto& book : books)
      EXPECT_TRUE(comes_true(
          [&] { return ask(book, bridge.public_endpoint()).payload == book_at(id); }, 20ms))
          << book << '\n'
          << bridge.log();
  }
  EXPECT_EQ(bridge.log().find("book snapshot failed"), std::string::npos) << bridge.log();
}

TEST_F(BookTest, WaitsUntilARestSideThatIsAskedTooMuchAllowsItAgain) {
  exchange_.apply(exchange::fault::Answer{
      .to = exchange::fault::Answer::To::rest,
      .bytes = "HTTP/1.1 503 Unavailable\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n"});
  update(10);
  ASSERT_TRUE(bridge_.wait_for_log("book snapshot failed"));
  EXPECT_THAT(bridge_.log(), ContainsRegex("book snapshot failed stream=depth.A "
                                           "detail=\"HTTP 503\" attempt=1 retry_ms=20[01][0-9]\n"));
  exchange_.apply(exchange::fault::Heal{});
  EXPECT_TRUE(becomes(book_at(10)));
}

TEST_F(BookTest, WaitsForNoRestSideLongerThanFiveMinutes) {
  exchange_.apply(
      exchange::fault::Answer{.to = exchange::fault::Answer::To::rest,
                              .bytes = "HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n"
                                       "Retry-After: Thu, 31 Dec 2099 23:59:59 GMT\r\n\r\n"});
  update(10);
  EXPECT_TRUE(bridge_.wait_for_log(
      "book snapshot failed stream=depth.A detail=\"HTTP 503\" attempt=1 retry_ms=3000"));
}

TEST_F(BookTest, GoesOnAfterAReconnectThatMissedNothing) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  exchange_.script_depth("A", "not to be needed");
  exchange_.apply(exchange::fault::Drop{});
  ASSERT_TRUE(exchange_.wait_for_connections(2));
  ASSERT_TRUE(exchange_.wait_for_subscriptions(4));
  EXPECT_TRUE(bridge_.wait_for_log("book lost stream=depth.A reason=disconnected"));
  update(11);
  EXPECT_TRUE(becomes(book_at(11)));
  EXPECT_EQ(ask().header.connection, 2U);
  EXPECT_EQ(resyncs(), 0);
}

TEST_F(BookTest, IsNoneAfterAReconnectUntilTheStreamSpeaksThoughRestTellsTheSame) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  exchange_.apply(exchange::fault::IgnoreRequests{.count = 100});
  exchange_.apply(exchange::fault::Drop{});
  ASSERT_TRUE(exchange_.wait_for_connections(2));
  ASSERT_TRUE(bridge_.wait_for_page("/readyz", "200 OK"))
      << "a request that is dropped shows nowhere";
  EXPECT_EQ(ask().payload, "");
  EXPECT_EQ(resyncs(), 0);
}

TEST_F(BookTest, IsBuiltAnewAfterAReconnectThatMissedSomething) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  snapshot(20);
  exchange_.apply(exchange::fault::Drop{});
  ASSERT_TRUE(exchange_.wait_for_connections(2));
  ASSERT_TRUE(exchange_.wait_for_subscriptions(4));
  update(21);
  EXPECT_TRUE(becomes(book_at(21)));
  EXPECT_EQ(resyncs(), 1);
}

TEST_F(BookTest, IsNoneWhileTheStreamIsNotCarriedAndNotTheOldOneAfterwards) {
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  auto without = config(exchange_, directory_);
  std::erase(without.upstream.streams, "depth.A");
  std::erase(without.publish.books, "depth.A");
  bridge_.reload(without);
  ASSERT_TRUE(exchange_.wait_for_exactly({"depth.200ms.A", "depth.B", "account.orderUpdate"}));
  EXPECT_EQ(ask().payload, "");
  EXPECT_TRUE(bridge_.wait_for_log("INFO  book lost stream=depth.A reason=unsubscribed"));
  snapshot(11);  // which nobody was told of
  bridge_.reload(config(exchange_, directory_));
  ASSERT_TRUE(exchange_.wait_for_subscriptions(4));
  ASSERT_TRUE(bridge_.wait_for_page("/readyz", "200 OK"));
  EXPECT_EQ(ask().payload, "") << "the stream has not said that it is the old one still";
  update(12);
  EXPECT_TRUE(becomes(book_at(12)));
}

TEST_F(BookTest, OfAStreamOnDemandIsNoneOnceNobodyWantsTheStream) {
  SimulatedExchange exchange{ExchangeOptions{}};
  auto on_demand = test_config(exchange, directory_, {"depth.B"});
  on_demand.upstream.on_demand = {.enabled = true, .allow = {"depth.*"}, .linger_ms = 10};
  on_demand.publish.books = {"depth.A"};
  RunningBridge bridge(on_demand);
  const auto book = [&](const std::string& at) {
    const auto topic = "bridge.book/depth.A/" + std::to_string(++asked_);
    Subscriber consumer(bridge.public_endpoint(), {topic});
    const auto answer = consumer.receive();
    return answer && answer->payload == at;
  };
  exchange.script_depth("A", R"({"asks":[],"bids":[["1","1"]],"lastUpdateId":"10","timestamp":1})");
  {
    ReadySubscriber live(bridge.public_endpoint(), {"depth.A"});
    ASSERT_TRUE(exchange.wait_for_exactly({"depth.A", "depth.B"}));
    exchange.publish("depth.A", R"({"E":1788367430323775,"U":10,"a":[],"b":[],"u":10})");
    EXPECT_TRUE(comes_true(
        [&] {
          return book(
              R"({"asks":[],"bids":[["1","1"]],"lastUpdateId":"10","timestamp":1788367430323775})");
        },
        20ms))
        << bridge.log();
  }
  ASSERT_TRUE(exchange.wait_for_exactly({"depth.B"}));
  EXPECT_TRUE(book(""));
  EXPECT_TRUE(bridge.wait_for_log("INFO  book lost stream=depth.A reason=unsubscribed"));
}

TEST_F(BookTest, OfAnAggregatedStreamFollowsThatStreamAlone) {
  snapshot(15);
  update(10, 20, "depth.200ms.A");
  EXPECT_TRUE(becomes(book_at(20), "depth.200ms.A"));
  update(21, 33, "depth.200ms.A");
  EXPECT_TRUE(becomes(book_at(33), "depth.200ms.A"));
  EXPECT_EQ(ask().payload, "") << "depth.A has said nothing";
}

TEST_F(BookTest, ShowsInStatusAndMetricsWhetherItIsInSync) {
  const auto book_of = [&](const std::string& stream) {
    const auto page = bridge_.page("/status");
    const auto at = page.find(R"("book":)", page.find("\"name\":\"" + stream + '"'));
    return at == std::string::npos ? "" : page.substr(at, page.find(',', at) - at);
  };
  EXPECT_EQ(book_of("depth.A"), R"("book":"syncing")");
  EXPECT_EQ(book_of("depth.B"), R"("book":null)");
  EXPECT_EQ(bridge_.metric(R"(book_in_sync{stream="depth.A"})"), 0);
  EXPECT_TRUE(std::isnan(bridge_.metric(R"(book_in_sync{stream="depth.B"})")));
  update(10);
  ASSERT_TRUE(becomes(book_at(10)));
  EXPECT_EQ(book_of("depth.A"), R"("book":"in_sync")");
  EXPECT_EQ(bridge_.metric(R"(book_in_sync{stream="depth.A"})"), 1);
}

TEST_F(BookTest, SharesTheLimitOfAHundredRequestsASecond) {
  // Asked before the connection stands, so that all of it goes out at once.
  std::vector<std::string> requests;
  for (int i = 0; i < 300; ++i) requests.push_back("bridge.book/depth.A/" + std::to_string(i));
  const Subscriber consumer(bridge_.public_endpoint(), requests);
  const auto answered = [&] {
    return bridge_.metric(R"(replays_total{result="unknown"})") +
           bridge_.metric(R"(replays_total{result="limited"})");
  };
  comes_true([&] { return answered() >= 300; });
  EXPECT_EQ(answered(), 300);
  EXPECT_GT(bridge_.metric(R"(replays_total{result="limited"})"), 0);
}

}  // namespace
}  // namespace bpx::test
