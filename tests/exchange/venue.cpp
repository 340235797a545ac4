#include "tests/exchange/venue.hpp"

#include "tests/exchange/control_api.hpp"
#include "tests/exchange/http_session.hpp"
#include "tests/exchange/market_source.hpp"
#include "tests/exchange/replay_source.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <utility>

namespace bpx::exchange {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

/// At an unlimited rate a client has at most about so much waiting for it.
constexpr std::size_t kEnoughQueuedBytes = std::size_t{1} << 20U;

/// Who controls the exchange may be as slow as a busy machine is, with all of the log to read.
constexpr std::chrono::hours kControlPatience{1};

/// A market that is not told when to open opens now, and keeps the exchange's time.
bool opens_now(const MarketOptions& market) { return market.start_us == 0; }

std::optional<MarketOptions> opened(std::optional<MarketOptions> market) {
  if (market && opens_now(*market)) market->start_us = ExchangeClock::true_us();
  return market;
}

std::unique_ptr<Market> make_market(const std::optional<MarketOptions>& options) {
  if (!options) return nullptr;
  return std::make_unique<Market>(*options);
}

std::vector<std::string> certificate_hosts(const ExchangeOptions& options) {
  std::vector<std::string> hosts{options.host_name, "localhost", "127.0.0.1", "::1"};
  hosts.insert(hosts.end(), options.further_host_names.begin(), options.further_host_names.end());
  return hosts;
}

}  // namespace

Venue::Venue(asio::io_context& loop, const ExchangeOptions& options, Ledger& ledger)
    : loop_(loop),
      options_(options),
      ledger_(ledger),
      market_options_(opened(options.market)),
      market_(make_market(market_options_)),
      desk_(options.quirks, SignatureCheck(options.verifying_keys),
            [this](std::string_view name) { return stream_exists(name); }),
      rest_(market_.get(), clock_),
      listener_(loop, options.bind_address, options.port, [this](tcp::socket socket) {
        asio::co_spawn(loop_, serve(std::move(socket)), asio::detached);
      }) {
  if (options.market && options.replay) {
    throw std::invalid_argument("a market and a recording cannot both be played");
  }
  if (options.tls && options.certificate_file.empty()) {
    credentials_.emplace(certificate_hosts(options));
  } else if (options.tls) {
    credentials_.emplace(certificate_hosts(options), options.certificate_file,
                         options.private_key_file);
  }
  if (options.control) {
    control_.emplace(loop, options.control_bind_address, options.control_port,
                     [this](tcp::socket socket) {
                       asio::co_spawn(loop_, serve_control(std::move(socket)), asio::detached);
                     });
  }
  set_up_player();
}

Venue::~Venue() = default;

void Venue::set_up_player() {
  std::unique_ptr<Source> source;
  if (market_) {
    using Time = MarketSource::Time;
    source = std::make_unique<MarketSource>(
        *market_, clock_, opens_now(*options_.market) ? Time::live : Time::scripted,
        market_options_->start_us, options_.quirks.stream_first);
    source->set_rate(options_.rate, ExchangeClock::true_us());
  } else if (options_.replay) {
    source = std::make_unique<ReplaySource>(*options_.replay, options_.replay_loops);
    replay_awaits_subscription_ = true;
  } else {
    return;
  }
  player_.emplace(
      loop_, std::move(source), [this](const SharedMessage& message) { publish(message); },
      [this] { return clients_have_room(); });
}

bool Venue::clients_have_room() const {
  return channels_.subscriptions() > 0 &&
         std::all_of(connections_.begin(), connections_.end(), [](const auto& entry) {
           return entry.second->queued_bytes() < kEnoughQueuedBytes;
         });
}

void Venue::stop() {
  listener_.stop();
  if (control_) control_->stop();
  if (player_) player_->stop();
  for (const auto& transport : transports_) transport->close();
}

asio::awaitable<void> Venue::serve(tcp::socket socket) {
  const auto transport = std::make_shared<Transport>(
      std::move(socket), credentials_ ? &credentials_->context() : nullptr);
  transports_.insert(transport);
  auto end = co_await serve_http(
      transport, [this](const HttpRequest& request) { return rest_.answer(request); },
      options_.handshake_timeout,
      [this](bool is_upgrade) { return is_upgrade ? upgrade_answer_ : rest_answer_; });
  if (!end.handshaken) ledger_.count(&Counters::failed_handshakes);
  if (end.upgrade) co_await serve_websocket(transport, std::move(*end.upgrade));
  co_await transport->see_off();
  transports_.erase(transport);
}

asio::awaitable<void> Venue::serve_control(tcp::socket socket) {
  const auto transport = std::make_shared<Transport>(std::move(socket), nullptr);
  transports_.insert(transport);
  co_await serve_http(
      transport,
      [this](const HttpRequest& request) { return answer_control(*this, ledger_, request); },
      kControlPatience, [](bool) { return std::string(); });
  co_await transport->see_off();
  transports_.erase(transport);
}

asio::awaitable<void> Venue::serve_websocket(std::shared_ptr<Transport> transport,
                                             Connection::UpgradeRequest upgrade) {
  const Connection::Terms terms{.compression = options_.compression,
                                .ping_interval = options_.ping_interval,
                                .pong_timeout = options_.pong_timeout,
                                .close_grace = options_.close_grace,
                                .max_queued_bytes = options_.max_queued_bytes,
                                .max_requests_per_second = options_.max_requests_per_second};
  const auto connection =
      std::make_shared<Connection>(accepted_ + 1, std::move(transport), terms, ledger_);
  if (!co_await connection->accept(std::move(upgrade))) {
    ledger_.count(&Counters::failed_handshakes);
    co_return;
  }
  ++accepted_;
  connections_.emplace(connection->number(), connection);
  co_await connection->run(
      [this, &connection](std::string_view text) { decide(*connection, text); });
  connections_.erase(connection->number());
  channels_.leave(*connection);
}

void Venue::decide(Connection& connection, std::string_view text) {
  record(connection, text);
  if (requests_to_ignore_ > 0) {
    --requests_to_ignore_;
    return;
  }
  const Verdict verdict = desk_.decide(
      text, clock_.now_us(),
      [&](const std::vector<std::string>& streams) { return have_room(connection, streams); });
  if (options_.quirks.answer_delay.count() > 0 && !verdict.replies.empty()) {
    asio::co_spawn(loop_, answer_late(connection.shared_from_this(), verdict.replies),
                   asio::detached);
  } else {
    for (const auto& reply : verdict.replies) connection.send(reply);
  }
  for (const auto& stream : verdict.subscribed) {
    if (market_) {
      for (const Frame& frame : market_->on_subscribed(stream, clock_.now_us())) {
        connection.send(envelope(frame, options_.quirks.stream_first));
      }
    }
    channels_.subscribe(connection, stream);
  }
  for (const auto& stream : verdict.unsubscribed) channels_.unsubscribe(connection, stream);
  ledger_.subscribed(connection.number(), verdict.subscribed);
  ledger_.unsubscribed(connection.number(), verdict.unsubscribed);
  if (replay_awaits_subscription_ && !verdict.subscribed.empty()) {
    replay_awaits_subscription_ = false;
    player_->set_rate(options_.rate);
  }
}

asio::awaitable<void> Venue::answer_late(std::shared_ptr<Connection> connection,
                                         std::vector<SharedMessage> replies) {
  asio::steady_timer timer(loop_, options_.quirks.answer_delay);
  co_await timer.async_wait(asio::use_awaitable);
  for (const auto& reply : replies) connection->send(reply);
}

bool Venue::have_room(Connection& connection, const std::vector<std::string>& streams) const {
  if (options_.max_streams == 0) return true;
  const auto more = std::count_if(streams.begin(), streams.end(), [&](const auto& stream) {
    return !channels_.has(connection, stream);
  });
  return channels_.subscriptions_of(connection) + static_cast<std::size_t>(more) <=
         options_.max_streams;
}

void Venue::record(const Connection& connection, std::string_view text) {
  ReceivedRequest received{.connection = connection.number(),
                           .text = std::string(text),
                           .method = {},
                           .params = {},
                           .signature = {},
                           .received_us = ExchangeClock::true_us()};
  auto parsed = parse_client_request(text);
  if (auto* request = std::get_if<ClientRequest>(&parsed)) {
    received.method = std::move(request->method);
    received.params = std::move(request->params);
    received.signature = std::move(request->signature);
  }
  ledger_.received(std::move(received));
}

bool Venue::stream_exists(std::string_view name) const {
  if (listed_.contains(name)) return true;
  if (name.empty() || options_.unknown_streams.contains(std::string(name))) return false;
  return market_ == nullptr || market_->has_stream(name);
}

void Venue::publish(const SharedMessage& message) {
  for (Connection* connection : channels_.route(message)) connection->send(message);
}

void Venue::broadcast(const SharedMessage& message) {
  for (const auto& [number, connection] : connections_) connection->send(message);
}

void Venue::broadcast_binary(const SharedMessage& message) {
  for (const auto& [number, connection] : connections_) connection->send_binary(message);
}

void Venue::script_depth(const std::string& symbol, std::string body) {
  rest_.script_depth(symbol, std::move(body));
}

std::string Venue::whole_depth(const std::string& symbol) const {
  constexpr auto kAll = std::numeric_limits<std::size_t>::max();
  return market_->depth_json(symbol, clock_.now_us(), kAll).value();
}

}  // namespace bpx::exchange
