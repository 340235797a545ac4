#pragma once

#include "bridge/upstream/markets.hpp"
#include "bridge/upstream/rest_client.hpp"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

namespace bpx::bridge {

/// Asks the exchange which markets it has: at once, then every hour, or every minute until it
/// answers. Belongs to the observing thread.
class MarketList {
 public:
  /// Of an answer. A few hundred markets of some 1 KB each are the exchange's list today.
  static constexpr std::size_t kMaxBodyBytes = 4'194'304;

  struct Options {
    RestClient::Options rest;
    std::string path_prefix;  ///< of upstream.rest_url, without `/` at its end
    std::chrono::milliseconds interval{3'600'000};
    std::chrono::milliseconds retry{60'000};  ///< where an attempt brought no list
  };

  /// `on_list` is called with each list.
  MarketList(Options options, TlsContext& tls, std::function<void(Symbols)> on_list);

  /// Asks for ever.
  boost::asio::awaitable<void> run();

 private:
  boost::asio::awaitable<bool> ask();
  boost::asio::awaitable<std::optional<Symbols>> fetch();

  Options options_;
  TlsContext& tls_;
  std::function<void(Symbols)> on_list_;
};

}  // namespace bpx::bridge
