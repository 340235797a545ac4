#include "bridge/upstream/market_list.hpp"

#include "bridge/observe/http_server.hpp"
#include "bridge/upstream/tls_context.hpp"
#include "tests/support/deadline.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <new>
#include <string>
#include <string_view>

namespace bpx::test {
namespace {

using namespace std::chrono_literals;
using bridge::Dialler;
using bridge::HttpPage;
using bridge::HttpServer;
using bridge::MarketList;
using bridge::Symbols;

std::uint16_t port_of(const std::string& endpoint) {
  return static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.find(':') + 1)));
}

TEST(AMarketList, IsAskedForAgainWhateverAnAttemptBrought) {
  bridge::Log log({.sink = [](auto, std::string_view) {}});
  bridge::HttpRefusals refusals;
  bridge::TlsContext tls("");
  boost::asio::io_context loop{1};
  int requests = 0;
  HttpServer exchange(
      loop.get_executor(), HttpServer::Options{},
      [&](std::string_view path) {
        EXPECT_EQ(path, "/prefix/api/v1/markets");
        return HttpPage{200, "application/json",
                        ++requests == 1 ? "no list" : R"([{"symbol":"A"}])"};
      },
      refusals, log);
  Dialler dialler(
      {.site = {.is_tls = false, .host = "127.0.0.1", .port = port_of(exchange.endpoint())}});
  int lists = 0;
  MarketList list(
      {.rest = {.dialler = dialler}, .path_prefix = "/prefix", .interval = 1ms, .retry = 1ms}, tls,
      [&](const Symbols& symbols) {
        EXPECT_EQ(symbols, Symbols{"A"});
        if (++lists < 3) throw std::bad_alloc();
        loop.stop();
      });
  boost::asio::co_spawn(loop, exchange.run(), boost::asio::detached);
  boost::asio::co_spawn(loop, list.run(), boost::asio::detached);
  loop.run_for(kDeadline);
  EXPECT_EQ(lists, 3);
  EXPECT_EQ(requests, 4);
}

TEST(AMarketList, IsAskedForEveryHourOrWhereThereIsNoneEveryMinute) {
  Dialler dialler({.site = {.is_tls = false, .host = "127.0.0.1", .port = 1}});
  const MarketList::Options defaults{.rest = {.dialler = dialler}, .path_prefix = {}};
  EXPECT_EQ(defaults.interval, 1h);
  EXPECT_EQ(defaults.retry, 1min);
}

}  // namespace
}  // namespace bpx::test
