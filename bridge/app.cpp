#include "bridge/app.hpp"

#include "bridge/clock.hpp"
#include "bridge/config/endpoint.hpp"
#include "bridge/publish/publisher.hpp"
#include "bridge/publish/status_topic.hpp"
#include "bridge/relay/relay.hpp"
#include "bridge/relay/stream_table.hpp"
#include "bridge/upstream/session.hpp"
#include "bridge/upstream/subscriptions.hpp"
#include "bridge/upstream/supervisor.hpp"
#include "bridge/upstream/tls_context.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <csignal>
#include <random>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

Publisher::Options publisher_options(const Config::Publish& publish) {
  return {.public_bind = publish.public_.bind,
          .private_bind = publish.private_.bind,
          .send_hwm = static_cast<int>(publish.send_hwm),
          .linger = milliseconds(publish.linger_ms)};
}

Session::Options session_options(const Config::Upstream& upstream) {
  const auto url = parse_exchange_url(upstream.url, "wss").value();
  return {.connection = {.is_tls = url.is_tls,
                         .host = url.host,
                         .port = url.port,
                         .target = url.target,
                         .compression = upstream.compression,
                         .max_message_bytes = upstream.max_message_bytes,
                         .connect_timeout = milliseconds(upstream.connect_timeout_ms)},
          .idle_timeout = milliseconds(upstream.idle_timeout_ms),
          .window_ms = static_cast<std::uint32_t>(upstream.window_ms)};
}

Backoff::Options backoff_options(const Config::Upstream& upstream) {
  return {.initial = milliseconds(upstream.backoff_initial_ms),
          .max = milliseconds(upstream.backoff_max_ms)};
}

/// How often what consumers send is taken in.
constexpr milliseconds kRequestInterval{20};

}  // namespace

// In the order of dependence: each part may use those above it, and is destroyed before them.
struct App::Parts {
  Parts(const Config& config, std::optional<Credentials> account, App::Options options)
      : credentials(std::move(account)),
        heartbeat_interval(config.publish.heartbeat_ms),
        epoch_us(static_cast<std::uint64_t>(unix_ns() / 1000)),
        log({.level = Log::level_of(config.log.level),
             .format = Log::format_of(config.log.format),
             .sink = std::move(options.log_sink)}),
        tls(config.upstream.ca_file),
        publisher(publisher_options(config.publish)),
        status({.epoch_us = epoch_us, .topic_terminator = config.publish.topic_terminator},
               publisher),
        streams(config.upstream.streams, config.publish.topic_terminator),
        relay(epoch_us, streams, publisher),
        subscriptions({.batch = config.upstream.subscribe_batch, .timing = options.subscribing},
                      config.upstream.streams),
        session(loop.get_executor(), session_options(config.upstream),
                {.tls = tls,
                 .subscriptions = subscriptions,
                 .relay = relay,
                 .status = status,
                 .log = log,
                 .key = credentials ? &credentials->key : nullptr}),
        supervisor(loop.get_executor(), session,
                   Backoff(backoff_options(config.upstream), std::random_device{}()), status, log),
        heartbeat_timer(loop),
        request_timer(loop),
        signals(loop) {}

  /// The account's key, where private streams are wanted.
  std::optional<Credentials> credentials;
  milliseconds heartbeat_interval;
  std::uint64_t epoch_us;
  /// Lines for people and machines.
  Log log;
  /// The event loop of the one thread that relays.
  asio::io_context loop{1};
  /// Whom the bridge trusts to be the exchange.
  TlsContext tls;
  /// The sockets that consumers connect to.
  Publisher publisher;
  /// The bridge's own topic.
  StatusTopic status;
  /// What is known of each stream.
  StreamTable streams;
  /// The way of every message.
  Relay relay;
  /// What is to be asked of the exchange.
  Subscriptions subscriptions;
  /// One connection at a time.
  Session session;
  /// Always another connection.
  Supervisor supervisor;
  asio::steady_timer heartbeat_timer;
  asio::steady_timer request_timer;
  asio::signal_set signals;
  bool has_ended = false;

  asio::awaitable<void> beat() {
    for (;;) {
      heartbeat_timer.expires_after(heartbeat_interval);
      co_await heartbeat_timer.async_wait(asio::as_tuple(asio::use_awaitable));
      if (has_ended)
        co_return;  // the error code does not tell: a wait may be over when it is cancelled
      status.heartbeat();
    }
  }

  asio::awaitable<void> drain_requests() {
    for (;;) {
      request_timer.expires_after(kRequestInterval);
      co_await request_timer.async_wait(asio::as_tuple(asio::use_awaitable));
      if (has_ended) co_return;
      publisher.drain_requests();
    }
  }

  asio::awaitable<void> supervise() {
    co_await supervisor.run();
    has_ended = true;
    heartbeat_timer.cancel();
    request_timer.cancel();
    signals.cancel();
  }

  void stop_on_signals() {
    signals.add(SIGTERM);
    signals.add(SIGINT);
    signals.async_wait([this](boost::system::error_code cancelled, int signal) {
      if (cancelled) return;
      stop(signal == SIGTERM ? "SIGTERM" : "SIGINT");
    });
  }

  void stop(std::string_view cause) {
    log.info("shutdown", {{"cause", cause}});
    status.shutdown();
    supervisor.stop();
  }
};

App::App(const Config& config, std::optional<Credentials> credentials, Options options)
    : parts_(std::make_unique<Parts>(config, std::move(credentials), std::move(options))) {}

App::~App() = default;

std::vector<std::string> App::public_endpoints() const {
  return parts_->publisher.endpoints(Audience::everyone);
}

std::vector<std::string> App::private_endpoints() const {
  return parts_->publisher.endpoints(Audience::account);
}

void App::run(bool handles_signals) {
  auto& parts = *parts_;
  parts.log.info("started", {{"version", BPX_VERSION},
                             {"epoch", parts.epoch_us},
                             {"streams", parts.streams.streams().size()}});
  for (const auto& endpoint : public_endpoints())
    parts.log.info("publishing", {{"endpoint", endpoint}, {"audience", "public"}});
  for (const auto& endpoint : private_endpoints())
    parts.log.info("publishing", {{"endpoint", endpoint}, {"audience", "private"}});

  if (handles_signals) parts.stop_on_signals();
  const auto rethrow = [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  };
  asio::co_spawn(parts.loop, parts.beat(), rethrow);
  asio::co_spawn(parts.loop, parts.drain_requests(), rethrow);
  asio::co_spawn(parts.loop, parts.supervise(), rethrow);
  parts.loop.run();
  parts.publisher.close();
  parts.log.info("stopped");
}

void App::stop() {
  asio::post(parts_->loop, [this] { parts_->stop("request"); });
}

}  // namespace bpx::bridge
