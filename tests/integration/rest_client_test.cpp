#include "bridge/upstream/rest_client.hpp"

#include "tests/support/deadline.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bpx::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using bridge::Dialler;
using bridge::RestClient;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);

/// An answer in chunks, with trailers.
std::string chunked(const std::vector<std::string>& chunks) {
  std::string answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& chunk : chunks) {
    std::array<char, 16> size{};
    std::snprintf(size.data(), size.size(), "%zx", chunk.size());
    answer.append(size.data()).append(";a=b\r\n").append(chunk).append("\r\n");
  }
  return answer + "0\r\nX: y\r\n\r\n";
}

std::string whole(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// A site that takes one connection, gives each request on it the next of `answers`, and waits for
/// the client to leave. Before the first answer it holds the loop up, the client's as well.
class Site {
 public:
  Site(asio::io_context& loop, std::vector<std::string> answers,
       std::chrono::milliseconds hold_up = {})
      : acceptor_(loop, {asio::ip::address_v4::loopback(), 0}),
        answers_(std::move(answers)),
        hold_up_(hold_up) {
    asio::co_spawn(loop, serve(), asio::detached);
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  asio::awaitable<void> serve() {
    auto [refused, client] = co_await acceptor_.async_accept(kAsTuple);
    std::string heard;
    for (const auto& answer : answers_) {
      const auto [unread, head] = co_await asio::async_read_until(
          client, asio::dynamic_buffer(heard), "\r\n\r\n", kAsTuple);
      if (unread) co_return;
      heard.erase(0, head);
      std::this_thread::sleep_for(std::exchange(hold_up_, {}));
      co_await asio::async_write(client, asio::buffer(answer), kAsTuple);
    }
    std::array<char, 1> more{};
    co_await client.async_read_some(asio::buffer(more), kAsTuple);
  }

  tcp::acceptor acceptor_;
  std::vector<std::string> answers_;
  std::chrono::milliseconds hold_up_;
};

/// One request after the other, on one connection.
asio::awaitable<void> ask(RestClient::Options options, std::size_t times,
                          std::vector<RestClient::Response>& responses) {
  const auto opened = co_await RestClient::open(options, nullptr);
  while (opened.client != nullptr && times-- > 0)
    responses.push_back(co_await opened.client->get("/"));
}

TEST(ARestClient, ReadsWhatIsLongerThanItsBufferOnAConnectionThatIsKept) {
  const std::string large(1'000'000, 'x');
  asio::io_context loop{1};
  Site site(loop, {whole(large), chunked({large, "y", large}),
                   chunked(std::vector<std::string>(20'000, "z")), whole("the last")});
  Dialler dialler({.site = {.is_tls = false, .host = "127.0.0.1", .port = site.port()}});
  std::vector<RestClient::Response> responses;
  asio::co_spawn(loop, ask({.dialler = dialler, .timeout = kDeadline}, 4, responses),
                 asio::detached);
  loop.run_for(kDeadline);
  ASSERT_EQ(responses.size(), 4U);
  EXPECT_TRUE(responses[0].body == large) << responses[0].error;
  EXPECT_TRUE(responses[1].body == large + "y" + large) << responses[1].error;
  EXPECT_EQ(responses[2].body, std::string(20'000, 'z')) << responses[2].error;
  EXPECT_EQ(responses[3].body, "the last") << responses[3].error;
  for (const auto& response : responses) EXPECT_TRUE(response.may_go_on);
}

/// The deadline comes while one piece after the other is there to be read, and nothing is waited
/// for: what is cancelled then has ended already.
TEST(ARestClient, GivesUpOnAnAnswerThatStopsThoughItWasBusyReadingAtTheDeadline) {
  std::string beginning = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
  beginning.append(20'000'000, 'x');
  std::vector<RestClient::Response> responses;
  // Where it takes long to connect there is no response.
  for (int i = 0; i < 1'000 && responses.size() < 5; ++i) {
    const auto before = responses.size();
    asio::io_context loop{1};
    Site site(loop, {beginning});
    Dialler dialler({.site = {.is_tls = false, .host = "127.0.0.1", .port = site.port()}});
    bool has_ended = false;
    asio::co_spawn(loop,
                   ask({.dialler = dialler,
                        .timeout = std::chrono::milliseconds(5),
                        .max_body_bytes = 200'000'000},
                       1, responses),
                   [&](const std::exception_ptr&) { has_ended = true; });
    loop.run_for(kDeadline);
    ASSERT_TRUE(has_ended);
    if (responses.size() > before) {
      EXPECT_EQ(responses.back().error, "no answer in time");
    }
  }
  EXPECT_EQ(responses.size(), 5U);
}

/// An answer that is there when the deadline is noticed is one, and its connection goes on.
TEST(ARestClient, KeepsAConnectionWhoseAnswerCameWithTheDeadline) {
  constexpr std::chrono::milliseconds kTimeout{50};
  std::vector<RestClient::Response> responses;
  // Where a step before takes as long there is no first answer, or no second one.
  for (int i = 0; i < 1'000 && responses.size() < 2; ++i) {
    responses.clear();
    asio::io_context loop{1};
    Site site(loop, {whole("first"), whole("second")}, 2 * kTimeout);
    Dialler dialler({.site = {.is_tls = false, .host = "127.0.0.1", .port = site.port()}});
    asio::co_spawn(loop, ask({.dialler = dialler, .timeout = kTimeout}, 2, responses),
                   asio::detached);
    loop.run_for(kDeadline);
    const bool is_late =
        std::ranges::count(responses, "no answer in time", &RestClient::Response::error) > 0;
    if (is_late) responses.clear();
  }
  ASSERT_EQ(responses.size(), 2U);
  EXPECT_EQ(responses[0].body, "first") << responses[0].error;
  EXPECT_EQ(responses[1].body, "second") << responses[1].error;
}

}  // namespace
}  // namespace bpx::test
