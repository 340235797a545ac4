#include "bridge/config/endpoint.hpp"

#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

TEST(ExchangeUrl, IsTakenApart) {
  const auto url = parse_exchange_url("wss://ws.backpack.exchange", "wss");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->is_tls);
  EXPECT_EQ(url->host, "ws.backpack.exchange");
  EXPECT_EQ(url->port, 443);
  EXPECT_EQ(url->target, "/");
  EXPECT_FALSE(url->is_loopback());

  const auto local = parse_exchange_url("ws://[::1]:8080/path?query=1", "wss");
  ASSERT_TRUE(local);
  EXPECT_FALSE(local->is_tls);
  EXPECT_EQ(local->host, "::1");
  EXPECT_EQ(local->port, 8080);
  EXPECT_EQ(local->target, "/path?query=1");
  EXPECT_TRUE(local->is_loopback());

  EXPECT_EQ(parse_exchange_url("http://localhost", "https")->port, 80);
  EXPECT_EQ(parse_exchange_url("wss://host?x=1", "wss")->target, "/?x=1");
}

TEST(ExchangeUrl, IsRefusedWhereItNamesNoHostOrTooMuch) {
  for (const auto* text : {"", "ws.backpack.exchange", "wss://", "wss:///path", "https://host",
                           "wss://host:0", "wss://host:99999", "wss://user@host",
                           "wss://host/#part", "wss://ho st", "wss://host:port"})
    EXPECT_FALSE(parse_exchange_url(text, "wss")) << text;
}

TEST(ExchangeUrl, OfANameThatBeginsLikeAnAddressIsNotCut) {
  const auto url = parse_exchange_url("wss://127.0.0.1.example.com:4444/p", "wss");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "127.0.0.1.example.com");
  EXPECT_EQ(url->port, 4444);
  EXPECT_EQ(url->target, "/p");
  EXPECT_FALSE(url->is_loopback());
  for (const auto* host : {"1.2.3.4.5", "127.0.0.1x", "127.0.0.1-a.example"})
    EXPECT_EQ(parse_exchange_url("wss://" + std::string(host), "wss").value().host, host);
}

TEST(ExchangeUrl, IsRefusedWithControlsHoweverTheyAreWritten) {
  for (const auto* text :
       {"wss://a%00b/", "wss://a%0ab/", "wss://a%41b/", "wss://h/a%00b", "wss://h/%0d%0aX:y",
        "wss://h/?q=%7f", "wss://h/%1f", "wss://h/%", "wss://h/%4", "wss://h/%zz", "wss://h/a\tb",
        "wss://h/\u00e9", "wss://[::1%25lo]/", "wss://[::1/", "wss://[1.2.3.4]/", "wss://h:/"})
    EXPECT_FALSE(parse_exchange_url(text, "wss")) << text;
  EXPECT_EQ(parse_exchange_url("wss://h/a%20b?c=%C3%A9", "wss").value().target, "/a%20b?c=%C3%A9");
}

TEST(BindAddress, KnowsWhoCanReachIt) {
  for (const auto* text : {"tcp://127.0.0.1:1", "tcp://127.9.9.9:*", "tcp://localhost:0",
                           "tcp://[::1]:1", "tcp://lo:1", "ipc:///tmp/x", "ipc://@abstract"})
    EXPECT_TRUE(parse_zmq_endpoint(text).value().is_local()) << text;
  for (const auto* text : {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://[::]:1", "tcp://10.0.0.1:1",
                           "tcp://eth0:1", "tcp://localhost.example.com:1"})
    EXPECT_FALSE(parse_zmq_endpoint(text).value().is_local()) << text;
}

TEST(BindAddress, IsRefusedWhereItIsIncomplete) {
  for (const auto* text : {"", "127.0.0.1:1", "tcp://", "tcp://:1", "tcp://127.0.0.1",
                           "tcp://127.0.0.1:", "tcp://127.0.0.1:65536", "tcp://::1:1",
                           "tcp://[zz]:1", "ipc://", "udp://127.0.0.1:1", "inproc://x"})
    EXPECT_FALSE(parse_zmq_endpoint(text)) << text;
  EXPECT_FALSE(parse_zmq_endpoint("ipc://" + std::string(108, 'x')));
}

TEST(BindAddress, KnowsWhetherAnybodyCanConnectToIt) {
  for (const auto* text : {"tcp://127.0.0.1:5555", "tcp://localhost:5555", "tcp://[::1]:5555",
                           "tcp://[fe80::1%lo]:5555", "tcp://my_bridge.example.com:5555",
                           "ipc:///run/bridge.sock", "ipc://@bridge", "ipc://bridge"})
    EXPECT_TRUE(parse_zmq_endpoint(text).value().can_be_connected_to()) << text;
  for (const auto* text :
       {"tcp://*:5555", "tcp://127.0.0.1:*", "tcp://127.0.0.1:0", "tcp://127.0.0.1:00",
        "tcp://my bridge:5555", "tcp://[zz::]:5555", "tcp://a/b:5555", "tcp://a\x1b[m:5555",
        "tcp://caf\u00e9:5555", "ipc://*"})
    EXPECT_FALSE(parse_zmq_endpoint(text).value().can_be_connected_to()) << text;
}

TEST(SocketAddress, NeedsANumericAddressAndAPort) {
  EXPECT_EQ(parse_socket_address("[::1]:9464")->host, "::1");
  EXPECT_EQ(parse_socket_address("0.0.0.0:0")->port, 0);
  for (const auto* text : {"", "9464", ":9464", "localhost:9464", "127.0.0.1:x", "::1:9464"})
    EXPECT_FALSE(parse_socket_address(text)) << text;
}

}  // namespace
}  // namespace bpx::bridge
