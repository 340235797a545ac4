#include "bridge/observe/http_server.hpp"

#include "bridge/startup_error.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/sanitized.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include <sys/resource.h>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using bridge::HttpPage;
using bridge::HttpServer;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

constexpr std::string_view kGet = "GET /page HTTP/1.1\r\nHost: test\r\n\r\n";
constexpr std::string_view kGetAndClose =
    "GET /page HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// As long as it lives, whoever serves on `loop` stands still: what clients do meanwhile is all
/// there when it goes on.
class Standstill {
 public:
  explicit Standstill(boost::asio::io_context& loop) {
    std::promise<void> begun;
    boost::asio::post(loop, [&begun, end = end_.get_future().share()] {
      begun.set_value();
      end.wait();
    });
    begun.get_future().wait();
  }
  ~Standstill() { end_.set_value(); }
  Standstill(const Standstill&) = delete;
  Standstill& operator=(const Standstill&) = delete;

 private:
  std::promise<void> end_;
};

/// A server with one page, `/page`, on a thread of its own, whose patience no test outlasts.
class HttpServerTest : public testing::Test {
 protected:
  explicit HttpServerTest(std::chrono::milliseconds patience = 1h) : patience_(patience) {
    boost::asio::co_spawn(loop_, server_.run(), boost::asio::detached);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~HttpServerTest() override {
    loop_.stop();
    thread_.join();
  }

  HttpClient client() const { return HttpClient(server_.endpoint()); }

  /// One who has said `text`, which the kernel must have room for, by the time that the server
  /// hears of it.
  HttpClient client_that_says(std::string_view text) {
    const Standstill nobody_is_heard(loop_);
    auto connection = client();
    connection.send(text);
    return connection;
  }

  /// All that the server says to `request` until it closes.
  std::string answer_to(std::string_view request) const {
    auto connection = client();
    connection.send(request);
    return connection.read_all();
  }

  /// Waits on the server's own loop: whatever it was to do within `time`, it has begun to.
  void let_pass(std::chrono::milliseconds time) {
    std::promise<void> over;
    boost::asio::steady_timer timer(loop_, time);
    timer.async_wait([&](auto) { over.set_value(); });
    over.get_future().wait();
  }

  bool comes_to_count(bridge::HttpRefusal why, std::uint64_t times) const {
    return comes_true([&] { return refusals_[why].value() == times; });
  }

  static std::optional<HttpPage> page(std::string_view path) {
    if (path != "/page") return std::nullopt;
    return HttpPage{200, "text/plain", "hello"};
  }

  /// The lines of the log that contain `text`.
  std::vector<std::string> logged(std::string_view text) const {
    const std::lock_guard lock(mutex_);
    auto lines = lines_;
    std::erase_if(lines, [&](const auto& line) { return line.find(text) == std::string::npos; });
    return lines;
  }

  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  bridge::Log log_{{.level = bridge::LogLevel::info,
                    .format = bridge::LogFormat::text,
                    .sink = [this](auto, std::string_view line) {
                      const std::lock_guard lock(mutex_);
                      lines_.emplace_back(line);
                    }}};
  std::chrono::milliseconds patience_;
  boost::asio::io_context loop_{1};
  bridge::HttpRefusals refusals_;
  HttpServer server_{loop_.get_executor(), small_bounds(patience_), &HttpServerTest::page,
                     refusals_, log_};
  std::thread thread_;

 private:
  static HttpServer::Options small_bounds(std::chrono::milliseconds patience) {
    HttpServer::Options options;
    options.patience = patience;
    options.max_request_bytes = 1'024;
    options.max_connections = 3;
    return options;
  }
};

/// One whose patience comes to an end.
class ImpatientHttpServerTest : public HttpServerTest {
 protected:
  ImpatientHttpServerTest() : HttpServerTest(200ms) {}
};

TEST_F(HttpServerTest, ServesThePageWhateverTheQuery) {
  EXPECT_THAT(answer_to(kGetAndClose), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"),
                                             HasSubstr("Content-Length: 5"), HasSubstr("hello")));
  EXPECT_THAT(answer_to("GET /page?a=1 HTTP/1.1\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerTest, TellsBrowsersToRunNothingUnlessAPageSaysWhat) {
  for (const auto* path : {"/page", "/other"})
    EXPECT_THAT(answer_to("GET " + std::string(path) + " HTTP/1.1\r\nConnection: close\r\n\r\n"),
                HasSubstr("\r\nContent-Security-Policy: default-src 'none';"))
        << path;
}

TEST_F(HttpServerTest, AnswersSeveralRequestsOnOneConnection) {
  auto connection = client();
  for (int i = 0; i < 3; ++i) {
    connection.send(kGet);
    EXPECT_THAT(connection.read_until("hello"), StartsWith("HTTP/1.1 200 OK\r\n"));
  }
}

TEST_F(HttpServerTest, AnswersWhatWasAskedAheadInOrder) {
  auto connection = client();
  connection.send(std::string(kGet) + std::string(kGetAndClose));
  const auto text = connection.read_all();
  const auto first = text.find("hello");
  ASSERT_NE(first, std::string::npos);
  EXPECT_NE(text.find("hello", first + 1), std::string::npos);
}

TEST_F(HttpServerTest, SaysWhatThereIsWhereThereIsNothing) {
  EXPECT_THAT(answer_to("GET /other HTTP/1.0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 404 Not Found\r\n"), HasSubstr("/metrics")));
}

TEST_F(HttpServerTest, RefusesEverythingButGet) {
  for (const auto* method : {"HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"})
    EXPECT_THAT(answer_to(std::string(method) + " /page HTTP/1.0\r\n\r\n"),
                AllOf(StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"), HasSubstr("Allow: GET")))
        << method;
}

TEST_F(HttpServerTest, AnswersHeadWithoutABodySoThatTheNextAnswerIsNotTakenForIt) {
  auto connection = client();
  connection.send("HEAD /page HTTP/1.1\r\n\r\n");
  EXPECT_THAT(connection.read_until("\r\n\r\n"), StartsWith("HTTP/1.1 405 Method Not Allowed\r\n"));
  connection.send(kGetAndClose);
  EXPECT_THAT(connection.read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(HttpServerTest, UnderstandsATargetThatNamesTheServerToo) {
  for (const auto* target : {"http://test/page", "HTTP://test:80/page?a=1"})
    EXPECT_THAT(answer_to("GET " + std::string(target) + " HTTP/1.1\r\nConnection: close\r\n\r\n"),
                StartsWith("HTTP/1.1 200 OK\r\n"))
        << target;
  EXPECT_THAT(answer_to("GET http://test HTTP/1.1\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 404 "))
      << "there is no page at /";
}

TEST_F(HttpServerTest, AddsUpHeadAndBodyOfARequest) {
  const std::string head = "POST /page HTTP/1.1\r\nX: " + std::string(600, 'x') + "\r\n";
  EXPECT_THAT(answer_to(head + "Content-Length: 300\r\n\r\n"), StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(answer_to(head + "Content-Length: 400\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(answer_to("GET /page HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "))
      << "nobody knows how much follows";
}

TEST_F(HttpServerTest, RefusesARequestThatIsTooLarge) {
  EXPECT_THAT(answer_to("GET /page HTTP/1.1\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer_to("GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(answer_to("POST /page HTTP/1.1\r\nContent-Length: 2000\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, RefusesWhatIsNoHttp) {
  for (const auto* text : {"\x16\x03\x01\x02\x00\x01\x00 TLS\r\n\r\n", "GET\r\n\r\n",
                           "GET /page HTTP/9.9\r\n\r\n", "GET /page HTTP/1.1\r\nno colon\r\n\r\n"})
    EXPECT_THAT(answer_to(text), StartsWith("HTTP/1.1 400 ")) << text;
}

TEST_F(HttpServerTest, ServesOthersWhileOneSendsSlowly) {
  auto slow = client();
  slow.send("GET /page HT");
  EXPECT_THAT(answer_to(kGetAndClose), StartsWith("HTTP/1.1 200 OK\r\n"));
  slow.send("TP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(slow.read_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ImpatientHttpServerTest, CutsOffWhoSendsSlowly) {
  EXPECT_THAT(client_that_says("GET /page HT").read_all(), IsEmpty());
  EXPECT_TRUE(comes_to_count(bridge::HttpRefusal::slow, 1));
}

TEST_F(ImpatientHttpServerTest, IsNotHeldUpByEachByteInTime) {
  auto slow = client();
  // If each byte bought more patience, the request would come to be too large at last.
  EXPECT_TRUE(comes_true([&] { return !slow.send("x"); }, 10ms));
  EXPECT_TRUE(comes_to_count(bridge::HttpRefusal::slow, 1));
  EXPECT_EQ(refusals_[bridge::HttpRefusal::too_large].value(), 0U);
}

TEST_F(HttpServerTest, LetsTheIdlestOfTooManyClientsMakePlace) {
  std::vector<HttpClient> idle;
  for (std::size_t i = 0; i < 3; ++i) {
    idle.push_back(client());
    idle.back().send(kGet);  // it is in, and idle from now on
    idle.back().read_until("hello");
  }
  EXPECT_THAT(answer_to(kGetAndClose), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(idle[0].read_all(), IsEmpty()) << "the idlest was not cut off";
  EXPECT_EQ(refusals_[bridge::HttpRefusal::crowded].value(), 1U);
  EXPECT_EQ(refusals_[bridge::HttpRefusal::slow].value(), 0U);
}

TEST_F(HttpServerTest, AnswersThroughACrowdThatNeverEnds) {
  std::vector<HttpClient> crowd;
  for (std::size_t i = 0; i < 200; ++i) {
    crowd.push_back(client());
    crowd.back().send("GET /page HT");
    if (i % 20 == 0) {
      EXPECT_THAT(answer_to(kGetAndClose), StartsWith("HTTP/1.1 200 OK\r\n"));
    }
  }
}

TEST_F(ImpatientHttpServerTest, CountsWhomItRefusesAndWhy) {
  client_that_says("GET /" + std::string(2'000, 'x') + " HTTP/1.1\r\n\r\n").read_all();
  client_that_says("no HTTP\r\n\r\n").read_all();
  client_that_says("GET /page HT").read_all();
  client_that_says(kGet).read_all();  // it asks for nothing more, which is no offence
  EXPECT_EQ(refusals_[bridge::HttpRefusal::too_large].value(), 1U);
  EXPECT_EQ(refusals_[bridge::HttpRefusal::malformed].value(), 1U);
  EXPECT_TRUE(comes_to_count(bridge::HttpRefusal::slow, 1));
  EXPECT_EQ(refusals_[bridge::HttpRefusal::crowded].value(), 0U);
}

TEST_F(HttpServerTest, LetsNobodyStarveWhoComesWhileOthersKeepAsking) {
  std::atomic<bool> is_over = false;
  std::vector<std::thread> pollers;
  for (int i = 0; i < 3; ++i)
    pollers.emplace_back([&] {
      std::optional<HttpClient> connection(client());
      while (!is_over) {
        connection->send(kGet);
        const auto answer = connection->read_until("hello");
        if (answer.empty() || answer.find("Connection: close") != std::string::npos) {
          connection.reset();
          connection.emplace(client());
        }
        std::this_thread::sleep_for(20ms);  // far less than the server's patience
      }
    });
  for (int i = 0; i < 10; ++i)
    EXPECT_THAT(client_that_says(kGetAndClose).read_all(), StartsWith("HTTP/1.1 200 OK\r\n"))
        << "the others go first, for ever";
  is_over = true;
  for (auto& poller : pollers) poller.join();
}

/// As long as it lives, no file can be opened beyond those that are open already.
class NoMoreFiles {
 public:
  explicit NoMoreFiles(int highest) {
    getrlimit(RLIMIT_NOFILE, &before_);
    auto none = before_;
    none.rlim_cur = static_cast<rlim_t>(highest) + 1;
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreFiles() { setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreFiles(const NoMoreFiles&) = delete;
  NoMoreFiles& operator=(const NoMoreFiles&) = delete;

 private:
  rlimit before_{};
};

TEST_F(HttpServerTest, DoesNotFloodTheLogWhileItCannotAccept) {
  if (kIsSanitized)
    GTEST_SKIP() << "sanitizers take a failing pipe() for memory that cannot be read";
  boost::asio::io_context loop;
  boost::asio::ip::tcp::socket late(loop, boost::asio::ip::tcp::v4());
  const auto port = server_.endpoint().substr(server_.endpoint().find(':') + 1);
  {
    const NoMoreFiles limit(late.native_handle());
    late.connect(
        {boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(port))});
    ASSERT_TRUE(comes_true([&] { return !logged("http connection not accepted").empty(); }));
    // It tries ten times a second: at least once in each of these.
    for (int i = 0; i < 2; ++i) let_pass(200ms);
  }
  const std::string_view over = "http connections accepted again attempts_failed=";
  ASSERT_TRUE(comes_true([&] { return !logged(over).empty(); }));
  const auto line = logged(over).front();
  EXPECT_GT(std::stoi(line.substr(line.find(over) + over.size())), 1) << "nothing was repeated";
  EXPECT_THAT(logged("http connection not accepted"), SizeIs(1));
}

TEST_F(HttpServerTest, PromisesFiveSecondsAndEightKibibytes) {
  EXPECT_EQ(HttpServer::Options{}.patience, 5s);
  EXPECT_EQ(HttpServer::Options{}.max_request_bytes, 8'192U);
}

TEST_F(HttpServerTest, NamesTheKeyWhereThePortIsTaken) {
  HttpServer::Options taken;
  taken.port = static_cast<std::uint16_t>(
      std::stoi(server_.endpoint().substr(server_.endpoint().find(':') + 1)));
  try {
    const HttpServer second(loop_.get_executor(), taken, &HttpServerTest::page, refusals_, log_);
    FAIL() << "bound twice";
  } catch (const bridge::StartupError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("http.bind"), HasSubstr("in use")));
  }
}

}  // namespace
}  // namespace bpx::test
