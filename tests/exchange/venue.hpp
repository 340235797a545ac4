#pragma once

#include "tests/exchange/channels.hpp"
#include "tests/exchange/connection.hpp"
#include "tests/exchange/exchange_clock.hpp"
#include "tests/exchange/exchange_options.hpp"
#include "tests/exchange/fault.hpp"
#include "tests/exchange/ledger.hpp"
#include "tests/exchange/listener.hpp"
#include "tests/exchange/player.hpp"
#include "tests/exchange/rest_api.hpp"
#include "tests/exchange/subscription_desk.hpp"
#include "tests/exchange/tls_credentials.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// The exchange itself, on its loop: whoever calls is on the loop's thread. Clients come in by the
/// listener, requests go through the desk, messages through the channels to the connections; faults
/// fall on all of them.
class Venue {
 public:
  /// `options` and `ledger` outlive this; this outlives the running of the loop.
  Venue(boost::asio::io_context& loop, const ExchangeOptions& options, Ledger& ledger);
  ~Venue();
  Venue(const Venue&) = delete;
  Venue& operator=(const Venue&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  /// 0 where there is none.
  std::uint16_t control_port() const { return control_ ? control_->port() : std::uint16_t{0}; }
  /// Empty without TLS.
  std::string ca_pem() const { return credentials_ ? credentials_->ca_pem() : std::string(); }

  /// To those who are subscribed.
  void publish(const SharedMessage& message);
  void publish(const Frame& frame) { publish(envelope(frame, options_.quirks.stream_first)); }
  /// To every connection.
  void broadcast(const SharedMessage& message);
  void broadcast_binary(const SharedMessage& message);
  void script_depth(const std::string& symbol, std::string body);
  /// There is a market that has this symbol.
  std::string whole_depth(const std::string& symbol) const;
  void apply(const Fault& fault);
  /// Ends everything, so that the loop runs out of work.
  void stop();

  /// For GET /state: counters, the newest connection, and the faults that last.
  std::string state_json() const;

 private:
  boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);
  boost::asio::awaitable<void> serve_control(boost::asio::ip::tcp::socket socket);
  boost::asio::awaitable<void> serve_websocket(std::shared_ptr<Transport> transport,
                                               Connection::UpgradeRequest upgrade);
  void decide(Connection& connection, std::string_view text);
  boost::asio::awaitable<void> answer_late(std::shared_ptr<Connection> connection,
                                           std::vector<SharedMessage> replies);
  bool have_room(Connection& connection, const std::vector<std::string>& streams) const;
  void record(const Connection& connection, std::string_view text);
  bool stream_exists(std::string_view name) const;
  void set_up_player();
  bool clients_have_room() const;

  void inflict(const fault::Drop& drop);
  void inflict(const fault::Close& close);
  void inflict(const fault::Silent& silent);
  void inflict(const fault::Deaf& deaf);
  void inflict(const fault::SkipIds& skip);
  void inflict(const fault::Repeat& repeat);
  void inflict(const fault::Garbage& garbage);
  void inflict(const fault::Huge& huge);
  void inflict(const fault::Slow& slow);
  void inflict(const fault::Refuse& refusal);
  void inflict(const fault::Certificate& certificate);
  void inflict(const fault::TlsVersion& version);
  void inflict(const fault::Renegotiate& renegotiate);
  void inflict(const fault::Answer& answer);
  void inflict(const fault::IgnoreRequests& ignore);
  void inflict(const fault::MuteStream& mute);
  void inflict(const fault::List& list);
  void inflict(const fault::RejectSignatures& reject);
  void inflict(const fault::ShiftClock& shift);
  void inflict(const fault::Unsolicited& unsolicited);
  void inflict(const fault::Error& error);
  void inflict(const fault::Shutdown& shutdown);
  void inflict(const fault::Rate& rate);
  void inflict(const fault::Heal& heal);

  boost::asio::io_context& loop_;
  const ExchangeOptions& options_;
  Ledger& ledger_;
  ExchangeClock clock_;
  const std::optional<MarketOptions> market_options_;
  std::unique_ptr<Market> market_;  // null where there is none
  SubscriptionDesk desk_;
  std::set<std::string, std::less<>> listed_;  // by the fault of this name
  std::size_t requests_to_ignore_ = 0;
  RestApi rest_;
  std::string upgrade_answer_;  // of the fault of this name, as the next
  std::string rest_answer_;
  std::optional<TlsCredentials> credentials_;
  Channels channels_;
  std::uint64_t accepted_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  // Every client's, from TCP connect to its end; shared with the coroutine that serves it.
  std::set<std::shared_ptr<Transport>> transports_;
  std::optional<Player> player_;
  bool replay_awaits_subscription_ = false;
  Listener listener_;
  std::optional<Listener> control_;
};

}  // namespace bpx::exchange
