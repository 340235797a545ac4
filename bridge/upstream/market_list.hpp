#pragma once

#include "bridge/upstream/rest_client.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// Symbols such as SOL_USDC.
using Symbols = std::set<std::string, std::less<>>;

/// What `/api/v1/markets` lists: an array of objects, each with a `symbol`. nullopt for anything
/// else.
std::optional<Symbols> parse_markets(std::string_view body);

/// Asks the exchange which markets it has: at once, then every hour, or every minute until it
/// answers. Belongs to the observing thread.
class MarketList {
 public:
  struct Options {
    RestClient::Options rest;
    std::string path_prefix;  ///< of upstream.rest_url, without `/` at its end
  };

  /// `on_list` is called with each list.
  MarketList(Options options, TlsContext& tls, std::function<void(Symbols)> on_list);

  /// Asks for ever.
  boost::asio::awaitable<void> run();

 private:
  boost::asio::awaitable<std::optional<Symbols>> fetch();

  Options options_;
  TlsContext& tls_;
  std::function<void(Symbols)> on_list_;
};

}  // namespace bpx::bridge
