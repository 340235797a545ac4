#include "bridge/upstream/tunnel.hpp"

#include "bridge/upstream/proxy_login.hpp"
#include "bridge/upstream/refusal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <chrono>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxAnswer = 8'192;

std::string request_for(const Proxy& proxy, const Site& site) {
  const auto target = host_and_port(site.host, site.port);
  auto request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target +
                 "\r\nUser-Agent: backpack-bridge/" BPX_VERSION "\r\n";
  if (!proxy.credentials.empty())
    request += "Proxy-Authorization: Basic " + basic_login(proxy.credentials) + "\r\n";
  return request + "\r\n";
}

std::string mend_for(const Refusal& refusal, const Proxy& proxy, const Site& site) {
  if (refusal.status == 407 && proxy.credentials.empty())
    return "it wants a log-in: give it as in http://USER:PASSWORD@HOST:PORT";
  if (refusal.status == 407) return "it does not accept the user or the password it was given";
  if (refusal.status / 100 == 5)
    return "it cannot reach " + host_and_port(site.host, site.port) + ", or is overloaded";
  return "ask who runs it to let CONNECT to " + host_and_port(site.host, site.port) + " pass";
}

}  // namespace

asio::awaitable<std::string> open_tunnel(asio::ip::tcp::socket& socket, const Proxy& proxy,
                                         const Site& site) {
  const auto request = request_for(proxy, site);
  const auto [unsent, sent] = co_await asio::async_write(socket, asio::buffer(request), kAsTuple);
  if (unsent) co_return unsent.message();
  std::string answer;
  const auto [unread, head_bytes] = co_await asio::async_read_until(
      socket, asio::dynamic_buffer(answer, kMaxAnswer), "\r\n\r\n", kAsTuple);
  if (unread == asio::error::not_found || unread == asio::error::eof)
    co_return "what answers there is no HTTP proxy";
  if (unread) co_return unread.message();
  // Some echo what they were asked, and what they say is shown.
  answer.replace(head_bytes, std::string::npos,
                 without_login(answer.substr(head_bytes), proxy.credentials));
  const auto refusal = parse_refusal(answer, std::chrono::system_clock::now());
  if (!refusal) co_return "what answers there is no HTTP proxy";
  if (refusal->status / 100 == 2) co_return std::string();
  co_return describe(*refusal) + ": " + mend_for(*refusal, proxy, site);
}

}  // namespace bpx::bridge
