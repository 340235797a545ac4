#include "bridge/relay/books.hpp"

#include "bridge/relay/history.hpp"
#include "bridge/relay/relay.hpp"
#include "bridge/upstream/subscriptions.hpp"
#include "tests/support/padded.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

using namespace std::chrono_literals;

class Snapshots final : public SnapshotSource {
 public:
  void want(std::size_t) override { is_wanted = true; }
  void forget(std::size_t) override { is_wanted = false; }

  bool is_wanted = false;
};

/// The book of a stream that consumers want and want no more, on one connection. The test is the
/// exchange, and decides what is on its way meanwhile.
class BooksTest : public testing::Test {
 protected:
  BooksTest() {
    relay_.begin_connection(1);
    subscriptions_.connection_opened();
  }

  /// In sync at update 10.
  void begin() {
    subscriptions_.want("depth.A");
    ask();
    update(10);
    ASSERT_TRUE(snapshots_.is_wanted);
    snapshot(10);
    ASSERT_TRUE(is_in_sync());
  }

  void snapshot(std::uint64_t id) {
    snapshots_.is_wanted = false;
    books_.on_snapshot(0, {.last_update_id = id, .book = {}});
  }

  /// Asks the exchange for what is to be asked; the number of the request.
  std::uint64_t ask(Subscriptions::TimePoint now = {}) {
    const auto request = subscriptions_.next_request(now);
    EXPECT_TRUE(request);
    return request ? request->id : 0;
  }

  void update(std::uint64_t id) {
    const auto number = std::to_string(id);
    const test::Padded message(R"({"data":{"E":1,"U":)" + number + R"(,"a":[["1",")" + number +
                               R"("]],"b":[],"u":)" + number + R"(},"stream":"depth.A"})");
    if (relay_.accept(message.view(), Moment::now()).is_first_of_stream)
      subscriptions_.on_data("depth.A");
  }

  bool is_in_sync() { return measurements_.of("depth.A").book.value() == BookState::in_sync; }

  Log log_{{.sink = [](LogLevel, std::string_view) {}}};
  Measurements measurements_{{"depth.A"}};
  Publisher publisher_{{.public_bind = {"tcp://127.0.0.1:0"}, .private_bind = {}, .linger = 0ms},
                       measurements_,
                       log_};
  History history_{{}};
  StreamTable streams_{{"depth.A"}, "", measurements_, history_};
  Snapshots snapshots_;
  Books books_{{"depth.A"}, streams_, snapshots_, log_};
  Relay relay_{1, streams_, publisher_, measurements_};
  Subscriptions subscriptions_{{.resubscribe_after = 60s,
                                .on_change =
                                    [this](std::string_view stream, StreamState) {
                                      relay_.note_state(stream, subscriptions_.state_of(stream));
                                    }},
                               {}};
};

TEST_F(BooksTest, AreNotProvedByWhatComesBeforeADelayedEndIsObeyed) {
  begin();
  subscriptions_.unwant("depth.A");
  ask();
  EXPECT_FALSE(is_in_sync());
  subscriptions_.want("depth.A");
  const auto again = ask();
  update(11);  // the exchange has read neither
  EXPECT_FALSE(is_in_sync()) << "12 may come between the end and the new beginning";
  subscriptions_.on_fence(again, {});
  EXPECT_FALSE(is_in_sync());
  update(12);
  EXPECT_TRUE(is_in_sync());
}

TEST_F(BooksTest, GoOnWhereTheEndHasNotBeenAskedForYet) {
  begin();
  subscriptions_.unwant("depth.A");
  subscriptions_.want("depth.A");
  update(11);
  update(12);
  EXPECT_TRUE(is_in_sync());
}

TEST_F(BooksTest, AreNoneOfAStreamThatIsAskedForAgainSinceItSaysNothing) {
  begin();
  relay_.begin_connection(2);
  subscriptions_.connection_opened();
  subscriptions_.on_fence(ask(), {});
  EXPECT_FALSE(snapshots_.is_wanted);
  snapshot(10);
  EXPECT_FALSE(is_in_sync()) << "the request may have been dropped";
  ask(Subscriptions::TimePoint(60s));
  EXPECT_FALSE(is_in_sync());
  update(11);
  EXPECT_TRUE(is_in_sync());
}

}  // namespace
}  // namespace bpx::bridge
