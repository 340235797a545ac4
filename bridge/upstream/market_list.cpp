#include "bridge/upstream/market_list.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include <utility>

namespace bpx::bridge {

namespace asio = boost::asio;

std::optional<Symbols> parse_markets(std::string_view body) {
  const auto list = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return std::nullopt;
  Symbols symbols;
  for (const auto& market : list) {
    if (!market.is_object()) return std::nullopt;
    const auto symbol = market.find("symbol");
    if (symbol == market.end() || !symbol->is_string()) return std::nullopt;
    symbols.insert(symbol->get<std::string>());
  }
  return symbols;
}

MarketList::MarketList(Options options, TlsContext& tls, std::function<void(Symbols)> on_list)
    : options_(std::move(options)), tls_(tls), on_list_(std::move(on_list)) {}

asio::awaitable<void> MarketList::run() {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (;;) {
    auto symbols = co_await fetch();
    timer.expires_after(symbols ? std::chrono::minutes(60) : std::chrono::minutes(1));
    if (symbols) on_list_(*std::move(symbols));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

asio::awaitable<std::optional<Symbols>> MarketList::fetch() {
  const auto opened = co_await RestClient::open(options_.rest, &tls_);
  if (opened.client == nullptr) co_return std::nullopt;
  const auto response = co_await opened.client->get(options_.path_prefix + "/api/v1/markets");
  co_return response.status == 200 ? parse_markets(response.body) : std::nullopt;
}

}  // namespace bpx::bridge
