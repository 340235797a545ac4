#include "bridge/upstream/market_list.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <exception>
#include <utility>

namespace bpx::bridge {

namespace asio = boost::asio;

MarketList::MarketList(Options options, TlsContext& tls, std::function<void(Symbols)> on_list)
    : options_(std::move(options)), tls_(tls), on_list_(std::move(on_list)) {}

asio::awaitable<void> MarketList::run() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    timer.expires_after(co_await ask() ? options_.interval : options_.retry);
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

/// Whether there was a list. What goes wrong, for want of memory for instance, ends one attempt.
asio::awaitable<bool> MarketList::ask() {
  try {
    auto symbols = co_await fetch();
    if (!symbols) co_return false;
    on_list_(*std::move(symbols));
    co_return true;
  } catch (const std::exception&) {
    co_return false;
  }
}

asio::awaitable<std::optional<Symbols>> MarketList::fetch() {
  const auto opened = co_await RestClient::open(options_.rest, &tls_);
  if (opened.client == nullptr) co_return std::nullopt;
  const auto response = co_await opened.client->get(options_.path_prefix + "/api/v1/markets");
  co_return response.status == 200 ? parse_markets(response.body) : std::nullopt;
}

}  // namespace bpx::bridge
