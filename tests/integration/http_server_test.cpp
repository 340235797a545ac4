#include "bridge/observe/http_server.hpp"

#include "bridge/startup_error.hpp"
#include "tests/support/http_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
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
using Clock = std::chrono::steady_clock;

constexpr std::string_view kGet = "GET /page HTTP/1.1\r\nHost: test\r\n\r\n";
constexpr std::string_view kGetAndClose =
    "GET /page HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";

/// A server with one page, `/page`, on a thread of its own.
class HttpServerTest : public testing::Test {
 protected:
  explicit HttpServerTest(std::chrono::milliseconds patience = 200ms) : patience_(patience) {
    boost::asio::co_spawn(loop_, server_.run(), boost::asio::detached);
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~HttpServerTest() override {
    loop_.stop();
    thread_.join();
  }

  HttpClient client() const { return HttpClient(server_.endpoint()); }

  /// All that the server says to `request` until it closes.
  std::string answer_to(std::string_view request) const {
    auto connection = client();
    connection.send(request);
    return connection.read_all();
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

/// One whose patience no test outlasts.
class PatientHttpServerTest : public HttpServerTest {
 protected:
  PatientHttpServerTest() : HttpServerTest(60s) {}
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

TEST_F(HttpServerTest, CutsOffWhoSendsSlowlyAndServesOthersMeanwhile) {
  auto slow = client();
  slow.send("GET /page HT");
  EXPECT_THAT(answer_to(kGetAndClose), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(slow.read_all(), IsEmpty());
}

TEST_F(HttpServerTest, IsNotHeldUpByEachByteInTime) {
  auto slow = client();
  const auto end = Clock::now() + 10s;
  while (Clock::now() < end && slow.send("x")) std::this_thread::sleep_for(10ms);
  EXPECT_LT(Clock::now(), end) << "each byte bought more patience";
}

TEST_F(PatientHttpServerTest, LetsTheIdlestOfTooManyClientsMakePlace) {
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

TEST_F(PatientHttpServerTest, AnswersThroughACrowdThatNeverEnds) {
  std::vector<HttpClient> crowd;
  for (std::size_t i = 0; i < 200; ++i) {
    crowd.push_back(client());
    crowd.back().send("GET /page HT");
    if (i % 20 == 0) {
      EXPECT_THAT(answer_to(kGetAndClose), StartsWith("HTTP/1.1 200 OK\r\n"));
    }
  }
}

TEST_F(HttpServerTest, CountsWhomItRefusesAndWhy) {
  answer_to("GET /" + std::string(100'000, 'x') + " HTTP/1.1\r\n\r\n");
  answer_to("no HTTP\r\n\r\n");
  answer_to("GET /page HT");
  auto keeping = client();
  keeping.send(kGet);
  keeping.read_all();  // it asks for nothing more, which is no offence
  EXPECT_EQ(refusals_[bridge::HttpRefusal::too_large].value(), 1U);
  EXPECT_EQ(refusals_[bridge::HttpRefusal::malformed].value(), 1U);
  EXPECT_EQ(refusals_[bridge::HttpRefusal::slow].value(), 1U);
  EXPECT_EQ(refusals_[bridge::HttpRefusal::crowded].value(), 0U);
}

TEST_F(HttpServerTest, LetsNobodyStarveWhoComesWhileOthersKeepAsking) {
  const auto end = Clock::now() + 10s;
  std::atomic<bool> is_over = false;
  std::vector<std::thread> pollers;
  for (int i = 0; i < 3; ++i)
    pollers.emplace_back([&] {
      std::optional<HttpClient> connection(client());
      while (!is_over && Clock::now() < end) {
        connection->send(kGet);
        if (connection->read_until("hello").find("Connection: close") != std::string::npos) {
          connection.reset();
          connection.emplace(client());
        }
        std::this_thread::sleep_for(20ms);  // far less than the server's patience
      }
    });
  for (int i = 0; i < 10; ++i)
    EXPECT_THAT(answer_to(kGetAndClose), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_LT(Clock::now(), end) << "the others had to go first";
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

TEST_F(PatientHttpServerTest, DoesNotFloodTheLogWhileItCannotAccept) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers take a failing pipe() for memory that cannot be read";
#endif
  boost::asio::io_context loop;
  boost::asio::ip::tcp::socket late(loop, boost::asio::ip::tcp::v4());
  const auto port = server_.endpoint().substr(server_.endpoint().find(':') + 1);
  {
    const NoMoreFiles limit(late.native_handle());
    late.connect(
        {boost::asio::ip::make_address("127.0.0.1"), static_cast<std::uint16_t>(std::stoi(port))});
    std::this_thread::sleep_for(1s);  // it tries ten times a second
  }
  const std::string_view over = "http connections accepted again attempts_failed=";
  const auto end = Clock::now() + 10s;
  while (logged(over).empty() && Clock::now() < end) std::this_thread::sleep_for(5ms);
  ASSERT_THAT(logged(over), SizeIs(1));
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
