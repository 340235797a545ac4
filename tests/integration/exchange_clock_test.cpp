#include "bridge/upstream/exchange_clock.hpp"

#include "bridge/clock.hpp"
#include "bridge/observe/http_server.hpp"
#include "bridge/upstream/tls_context.hpp"
#include "tests/support/deadline.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <atomic>
#include <cmath>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using bridge::Dialler;
using bridge::ExchangeClock;
using bridge::HttpPage;
using bridge::HttpServer;

/// Runs an event loop until it is destroyed.
class LoopThread {
 public:
  explicit LoopThread(boost::asio::io_context& loop)
      : loop_(loop), thread_([&loop] { loop.run(); }) {}
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

 private:
  boost::asio::io_context& loop_;
  std::thread thread_;
};

/// A clock that asks a scripted exchange every 20 ms, also where it got no answer.
class ExchangeClockTest : public testing::Test {
 protected:
  using Answer = std::function<std::optional<HttpPage>(int request)>;

  void begin(Answer answer) {
    server_.emplace(
        exchange_.get_executor(), HttpServer::Options{},
        [this, answer = std::move(answer)](std::string_view path) {
          EXPECT_EQ(path, "/prefix/api/v1/time");
          return answer(requests_++);
        },
        http_refusals_, log_);
    const auto endpoint = server_->endpoint();
    const auto port =
        static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.find(':') + 1)));
    dialler_.emplace(
        Dialler::Options{.site = {.is_tls = false, .host = "127.0.0.1", .port = port}});
    clock_.emplace(observing_.get_executor(),
                   ExchangeClock::Options{.rest = {.dialler = *dialler_},
                                          .path_prefix = "/prefix",
                                          .interval = interval_,
                                          .retry = retry_,
                                          .on_attempt = [this] { ++attempts_; }},
                   tls_, upstream_, log_);
    boost::asio::co_spawn(exchange_, server_->run(), boost::asio::detached);
    boost::asio::co_spawn(observing_, clock_->run(), boost::asio::detached);
    exchange_thread_.emplace(exchange_);
    observing_thread_.emplace(observing_);
  }

  ~ExchangeClockTest() override {
    observing_thread_.reset();
    exchange_thread_.reset();
  }

  static HttpPage time_ahead_by(std::chrono::milliseconds offset) {
    return {200, "text/plain", std::to_string(bridge::unix_ns() / 1'000'000 + offset.count())};
  }

  /// The keys of the log's lines about `event`, as often as it came.
  std::vector<std::vector<std::string>> keys_of(std::string_view event) {
    const std::lock_guard lock(lines_mutex_);
    std::vector<std::vector<std::string>> all;
    for (const auto& line : lines_) {
      if (line["event"] != event) continue;
      auto& keys = all.emplace_back();
      for (const auto& [key, value] : line.items()) keys.push_back(key);
    }
    return all;
  }

  double offset() const { return upstream_.clock_offset_s.value(); }

  bridge::UpstreamMeasurements upstream_;
  std::atomic<int> requests_ = 0;
  std::atomic<int> ahead_s_ = 1;
  std::atomic<bool> is_well_ = true;
  std::atomic<int> attempts_ = 0;
  std::chrono::milliseconds interval_{20};
  std::chrono::milliseconds retry_{20};

  bridge::HttpRefusals http_refusals_;
  std::mutex lines_mutex_;
  std::vector<nlohmann::json> lines_;  // of the log
  bridge::Log log_{{.format = bridge::LogFormat::json, .sink = [this](auto, std::string_view line) {
                      const std::lock_guard lock(lines_mutex_);
                      lines_.push_back(nlohmann::json::parse(line));
                    }}};
  bridge::TlsContext tls_{""};
  boost::asio::io_context exchange_{1};
  boost::asio::io_context observing_{1};
  std::optional<HttpServer> server_;
  std::optional<Dialler> dialler_;
  std::optional<ExchangeClock> clock_;
  std::optional<LoopThread> exchange_thread_;
  std::optional<LoopThread> observing_thread_;
};

TEST_F(ExchangeClockTest, BelievesTheQuickestOfFiveAnswers) {
  begin([](int request) {
    const bool is_quick = request % 5 == 2;
    if (!is_quick) std::this_thread::sleep_for(500ms);
    return time_ahead_by(is_quick ? 3s : 9s);
  });
  // On a busy machine the quick one may not be the quickest, now and then.
  EXPECT_TRUE(comes_true([&] { return std::abs(offset() - 3) < 0.5; })) << offset();
  EXPECT_GE(requests_, 5);
}

TEST_F(ExchangeClockTest, MeasuresAgainAndAgain) {
  begin([this](int) { return time_ahead_by(std::chrono::seconds(ahead_s_)); });
  ASSERT_TRUE(comes_true([&] { return std::abs(offset() - 1) < 0.5; })) << offset();
  ahead_s_ = 3;
  ASSERT_TRUE(comes_true([&] { return std::abs(offset() - 3) < 0.5; })) << offset();
  const ExchangeClock::Options defaults{.rest = {.dialler = *dialler_}, .path_prefix = {}};
  EXPECT_EQ(defaults.interval, 1min);
}

TEST_F(ExchangeClockTest, KnowsNothingWhileTheExchangeDoesNotSay) {
  begin([this](int) {
    return is_well_ ? time_ahead_by(1s) : HttpPage{503, "text/plain", "later"};
  });
  ASSERT_TRUE(comes_true([&] { return !std::isnan(offset()); }));
  is_well_ = false;
  EXPECT_TRUE(comes_true([&] { return std::isnan(offset()); })) << "an old offset passes for new";
  is_well_ = true;
  EXPECT_TRUE(comes_true([&] { return !std::isnan(offset()); }));
}

TEST_F(ExchangeClockTest, KeepsTheOffsetKnownLastForSignatures) {
  begin([this](int) {
    return is_well_ ? time_ahead_by(5s) : HttpPage{503, "text/plain", "later"};
  });
  ASSERT_TRUE(comes_true([&] { return !std::isnan(offset()); }));
  is_well_ = false;
  ASSERT_TRUE(comes_true([&] { return std::isnan(offset()); }));
  const auto now = bridge::BootMoment::now();
  const auto exchange_ns =
      bridge::exchange_time_ns(upstream_.exchange_ahead_of_boot_ns.value(), now);
  EXPECT_NEAR(static_cast<double>(exchange_ns - now.unix_ns) / 1e9, 5, 1);
}

TEST_F(ExchangeClockTest, BelievesTheAnswersThatComeWhereOthersDoNot) {
  begin([](int request) {
    return request % 5 == 3 ? time_ahead_by(3s) : HttpPage{503, "text/plain", "later"};
  });
  ASSERT_TRUE(comes_true([&] { return attempts_ >= 2; }));
  EXPECT_TRUE(comes_true([&] { return std::abs(offset() - 3) < 0.5; })) << offset();
  EXPECT_TRUE(keys_of("clock offset unknown").empty());
}

TEST_F(ExchangeClockTest, TellsOfTheSameEventByTheSameKeys) {
  begin([this](int) { return time_ahead_by(std::chrono::seconds(ahead_s_)); });
  for (const int ahead : {1, 9, 1, 9}) {
    ahead_s_ = ahead;
    ASSERT_TRUE(comes_true([&] { return std::abs(offset() - ahead) < 0.5; })) << offset();
  }
  const auto of_all = testing::IsSupersetOf({"level", "time", "offset_ms", "round_trip_ms"});
  for (const auto* event : {"clock offset", "clock offset too large"}) {
    ASSERT_TRUE(comes_true([&] { return keys_of(event).size() == 2; })) << event;
    const auto keys = keys_of(event);
    EXPECT_THAT(keys[0], of_all);
    EXPECT_EQ(keys[0], keys[1]) << event;
  }
}

TEST_F(ExchangeClockTest, DoesNotWaitForItsTurnWhereItGotNoAnswer) {
  interval_ = 1h;
  begin([](int request) {
    return request >= 10 ? time_ahead_by(1s) : HttpPage{503, "text/plain", "later"};
  });
  EXPECT_TRUE(comes_true([&] { return std::abs(offset() - 1) < 0.5; })) << offset();
  const ExchangeClock::Options defaults{.rest = {.dialler = *dialler_}, .path_prefix = {}};
  EXPECT_EQ(defaults.retry, 10s);
}

TEST_F(ExchangeClockTest, WaitsForItsTurnWhereItAsksTooMuch) {
  retry_ = 1h;
  begin([](int) { return HttpPage{429, "text/plain", "slower"}; });
  EXPECT_TRUE(comes_true([&] { return attempts_ >= 3; }));
}

TEST_F(ExchangeClockTest, MeasuresAtOnceWhereToldTo) {
  interval_ = 1h;
  begin([](int) { return time_ahead_by(1s); });
  ASSERT_TRUE(comes_true([&] { return attempts_ == 1; }));
  ASSERT_TRUE(comes_true([&] {  // an attempt may just be ending
    clock_->measure_again();
    return attempts_ > 1;
  }));
}

}  // namespace
}  // namespace bpx::test
