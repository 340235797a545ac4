#include "bridge/app.hpp"

#include "bridge/app_options.hpp"
#include "bridge/clock.hpp"
#include "bridge/doorbell.hpp"
#include "bridge/observe/http_server.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/observe/pages.hpp"
#include "bridge/observe/process_metrics.hpp"
#include "bridge/publish/jetstream.hpp"
#include "bridge/publish/publisher.hpp"
#include "bridge/publish/status_topic.hpp"
#include "bridge/relay/answers.hpp"
#include "bridge/relay/books.hpp"
#include "bridge/relay/consumer_requests.hpp"
#include "bridge/relay/history.hpp"
#include "bridge/relay/relay.hpp"
#include "bridge/relay/replay.hpp"
#include "bridge/relay/stream_table.hpp"
#include "bridge/signals.hpp"
#include "bridge/thread_name.hpp"
#include "bridge/upstream/configured_streams.hpp"
#include "bridge/upstream/depth_snapshots.hpp"
#include "bridge/upstream/dialler.hpp"
#include "bridge/upstream/exchange_clock.hpp"
#include "bridge/upstream/market_list.hpp"
#include "bridge/upstream/on_demand.hpp"
#include "bridge/upstream/session.hpp"
#include "bridge/upstream/subscriptions.hpp"
#include "bridge/upstream/supervisor.hpp"
#include "bridge/upstream/tls_context.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <future>
#include <random>
#include <thread>
#include <utility>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;

StatusContext status_context(const Config& config, std::uint64_t epoch_us) {
  return {.version = BPX_VERSION,
          .epoch_us = epoch_us,
          .started_steady_ns = steady_ns(),
          .idle_timeout = milliseconds(config.upstream.idle_timeout_ms),
          .queue_bytes = config.publish.queue_bytes};
}

BuildInfo build_info() {
  std::string boost = BOOST_LIB_VERSION;
  std::ranges::replace(boost, '_', '.');
  return {.version = BPX_VERSION, .libzmq = Publisher::library_version(), .boost = boost};
}

/// Runs an event loop on a thread of its own, called `name`, until it is destroyed.
class LoopThread {
 public:
  LoopThread(const char* name, asio::io_context& loop)
      : loop_(loop), thread_([name, &loop] {
          name_this_thread(name);
          loop.run();
        }) {}
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

 private:
  asio::io_context& loop_;
  std::thread thread_;
};

/// What consumers send is taken in as it comes, but this late where publishing just then kept
/// libzmq from telling of it.
constexpr milliseconds kRequestInterval{100};

/// While they send more and more, or wait for long answers: in between it is the exchange's turn.
constexpr milliseconds kBusyRequestInterval{1};

}  // namespace

// In the order of dependence: each part may use those above it, and is destroyed before them.
struct App::Parts {
  Parts(const Config& config, std::optional<Credentials> account, const CurveKeys& curve_keys,
        App::Options options)
      : credentials(std::move(account)),
        foreign_variables(std::move(options.foreign_variables)),
        heartbeat_interval(config.publish.heartbeat_ms),
        linger_limit(config.publish.linger_ms),
        epoch_us(static_cast<std::uint64_t>(unix_ns() / 1000)),
        log({.level = Log::level_of(config.log.level),
             .format = Log::format_of(config.log.format),
             .sink = std::move(options.log_sink)}),
        measurements(config.upstream.streams),
        tls(config.upstream.ca_file),
        dialler(dialler_options(config.upstream, options.proxies)),
        rest_dialler(rest_dialler_options(config.upstream, options.proxies)),
        publisher(publisher_options(config.publish, curve_keys), measurements, log),
        read_again(std::move(options.read_again)),
        status({.epoch_us = epoch_us, .topic_terminator = config.publish.topic_terminator},
               publisher, measurements.upstream),
        jetstream(begin_jetstream(config.publish)),
        history({.messages = config.publish.replay_messages, .bytes = config.publish.replay_bytes}),
        streams(config.upstream.streams, config.publish.topic_terminator, measurements, history,
                [this](std::string_view name) { return subscriptions.state_of(name).has_value(); }),
        relay(epoch_us, streams, publisher, measurements,
              {.name = config.upstream.canary,
               .is_wanted =
                   [this, canary = config.upstream.canary] {
                     return subscriptions.state_of(canary).has_value();
                   }}),
        replay(epoch_us, streams, publisher, measurements),
        snapshots(observing.get_executor(), snapshot_options(config.upstream, rest_dialler),
                  config.publish.books, tls, log,
                  [this](std::size_t book, BookSnapshot snapshot) {
                    asio::post(loop, [this, book, snapshot = std::move(snapshot)]() mutable {
                      books.on_snapshot(book, std::move(snapshot));
                    });
                  }),
        books(config.publish.books, streams, snapshots, log),
        book_answers(streams, replay, publisher, measurements),
        answers(most_waiting(config.publish), replay, book_answers, measurements),
        subscriptions({.batch = config.upstream.subscribe_batch,
                       .resubscribe_after = milliseconds(config.upstream.resubscribe_after_ms),
                       .retry_rejected = milliseconds(config.upstream.retry_rejected_ms),
                       .timing = options.subscribing,
                       .canary = config.upstream.canary,
                       .on_change = [this](std::string_view stream,
                                           StreamState state) { note_state(stream, state); }},
                      config.upstream.streams),
        exchange_clock(
            observing.get_executor(),
            clock_options(config.upstream, rest_dialler,
                          [this] { asio::post(loop, [this] { session.clock_measured(); }); }),
            tls, measurements.upstream, log),
        market_list(market_options(config.upstream, rest_dialler), tls,
                    [this](Symbols symbols) {
                      asio::post(loop, [this, symbols = std::move(symbols)]() mutable {
                        log.debug("markets listed", {{"symbols", symbols.size()}});
                        subscriptions.learn_markets(std::move(symbols));
                      });
                    }),
        session(loop.get_executor(), session_options(config.upstream, dialler, options.close_grace),
                {.tls = tls,
                 .subscriptions = subscriptions,
                 .relay = relay,
                 .status = status,
                 .log = log,
                 .measurements = measurements,
                 .clock = exchange_clock,
                 .key = credentials ? &credentials->key : nullptr}),
        on_demand(on_demand_options(config), subscriptions, session, measurements, log),
        configured_streams(config.upstream.streams, {.publisher = publisher,
                                                     .streams = streams,
                                                     .subscriptions = subscriptions,
                                                     .session = session,
                                                     .demand = on_demand.streams_in_demand(),
                                                     .measurements = measurements,
                                                     .log = log,
                                                     .has_key = credentials.has_value()}),
        reloading(config, curve_keys, credentials ? credentials->key.verifying_key() : "",
                  configured_streams, publisher, log),
        consumer_requests(streams, answers, on_demand.demand(), measurements, log),
        supervisor(loop.get_executor(), session,
                   Backoff(backoff_options(config.upstream), std::random_device{}()), status, log),
        heartbeat_timer(loop),
        doorbell(loop.get_executor(), publisher.request_descriptors()),
        signals(loop),
        pages(measurements, status_context(config, epoch_us), build_info()),
        http(
            observing.get_executor(), http_options(config.http),
            [this](std::string_view path) { return pages.at(path); }, measurements.http_refusals,
            log) {
    if (jetstream) relay.publish_also_to(*jetstream);
    if (!credentials) relay.withhold_account_data();
    publisher.bound_connections(descriptors_for_consumers(config, ProcessMetrics::read().open_fds));
    measurements.last_turn_steady_ns.set(steady_ns());
  }

  /// The account's key, where private streams are wanted.
  std::optional<Credentials> credentials;
  std::string foreign_variables;
  milliseconds heartbeat_interval;
  milliseconds linger_limit;
  std::uint64_t epoch_us;
  /// Lines for people and machines.
  Log log;
  /// What the bridge counts and measures of itself.
  Measurements measurements;
  /// The event loop of the one thread that relays.
  asio::io_context loop{1};
  /// The event loop of the thread that looks on. What runs there only reads.
  asio::io_context observing{1};
  /// Whom the bridge trusts to be the exchange.
  TlsContext tls;
  /// The ways to its WebSocket, and to its REST side from the thread that looks on.
  Dialler dialler;
  Dialler rest_dialler;
  /// The sockets that consumers connect to.
  Publisher publisher;
  std::function<Reading()> read_again;
  /// The bridge's own topic.
  StatusTopic status;
  /// The sink beside ZeroMQ, where one is configured.
  std::unique_ptr<JetStream> jetstream;
  /// The last messages of every stream.
  History history;
  /// What is known of each stream.
  StreamTable streams;
  /// The way of every message.
  Relay relay;
  /// The way of what a consumer missed.
  Replay replay;
  /// Whole books, as the exchange's REST side tells them.
  DepthSnapshots snapshots;
  /// Whole books, as they are after the last message.
  Books books;
  /// The way of a book to a late joiner.
  BookAnswers book_answers;
  /// The pace of both.
  Answers answers;
  /// What is to be asked of the exchange.
  Subscriptions subscriptions;
  /// By how much the exchange's clock differs from ours.
  ExchangeClock exchange_clock;
  /// Which symbols the exchange has.
  MarketList market_list;
  /// One connection at a time.
  Session session;
  /// Which streams consumers want beyond those configured.
  OnDemand on_demand;
  /// What the exchange is to send in any case.
  ConfiguredStreams configured_streams;
  /// What may change while the bridge runs.
  Reloading reloading;
  /// What consumers say by subscribing.
  ConsumerRequests consumer_requests;
  /// Always another connection.
  Supervisor supervisor;
  asio::steady_timer heartbeat_timer;
  Doorbell doorbell;
  asio::posix::stream_descriptor signals;  ///< of a signalfd, once they are handled
  bool is_stopping = false;
  bool has_ended = false;     ///< the last connection
  bool is_lingering = false;  ///< after that
  bool is_in_haste = false;   ///< asked twice to stop
  /// What there is to see over HTTP.
  Pages pages;
  HttpServer http;

  std::unique_ptr<JetStream> begin_jetstream(const Config::Publish& publish) {
    auto options = jetstream_options(publish);
    if (!options) return nullptr;
    const auto who_may_read = options->include_private ? Audience::account : Audience::everyone;
    options->on_event = [this, who_may_read](JetStream::Event event, std::string cause) {
      asio::post(loop, [this, who_may_read, event, cause = std::move(cause)] {
        if (!is_stopping)
          status.jetstream(to_string(event), cause, who_may_read, measurements.jetstream);
      });
    };
    return std::make_unique<JetStream>(*std::move(options), measurements.jetstream, log);
  }

  asio::awaitable<void> beat() {
    for (;;) {
      heartbeat_timer.expires_after(heartbeat_interval);
      co_await heartbeat_timer.async_wait(asio::as_tuple(asio::use_awaitable));
      if (is_stopping || has_ended)
        co_return;  // the error code does not tell: a wait may be over when it is cancelled
      status.heartbeat();
    }
  }

  asio::awaitable<void> drain_requests() {
    bool is_quiet = true;
    for (;;) {
      if (is_quiet)
        co_await doorbell.wait(kRequestInterval);
      else
        co_await doorbell.wait_undisturbed(kBusyRequestInterval);
      if (has_ended) co_return;
      is_quiet = publisher.drain_requests(consumer_requests);
      is_quiet = answers.go_on() && is_quiet;
      on_demand.expire();
      measurements.last_turn_steady_ns.set(steady_ns());
    }
  }

  void note_state(std::string_view stream, StreamState state) {
    relay.note_state(stream, subscriptions.state_of(stream));
    if (measurements.is_configured(stream))
      measurements.of(stream).state.set(state);
    else
      measurements.set_on_demand_state(stream, state);
  }

  /// Whatever goes wrong with looking on, messages are carried on; but for want of memory the
  /// bridge goes on with all of its parts or with none.
  void observe(asio::awaitable<void> part, std::string_view name) {
    asio::co_spawn(observing, std::move(part), [this, name](const std::exception_ptr& failure) {
      if (!failure) return;
      try {
        std::rethrow_exception(failure);
      } catch (const std::bad_alloc&) {
        asio::post(loop, [failure] { std::rethrow_exception(failure); });
      } catch (const std::exception& error) {
        log.error("observing failed", {{"part", name}, {"detail", error.what()}});
      }
    });
  }

  asio::awaitable<void> supervise() {
    co_await supervisor.run();
    has_ended = true;
    heartbeat_timer.cancel();
    doorbell.close();
    boost::system::error_code are_not_handled;
    signals.cancel(are_not_handled);
  }

  void handle_signals() {
    signals.assign(open_signals());
    wait_for_signal();
  }

  void wait_for_signal() {
    signals.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](boost::system::error_code cancelled) {
                         if (cancelled) return;
                         while (const int signal = take_signal(signals.native_handle()))
                           take(signal);
                         if (!has_ended || is_lingering) wait_for_signal();
                       });
  }

  void take(int signal) {
    const auto name = name_of(signal);
    if (signal != SIGTERM && signal != SIGINT) {
      if (signal == SIGHUP && !is_stopping) return reload();
      return log.info("signal ignored", {{"signal", name}});
    }
    ask_to_stop(name);
  }

  /// In order; asked again, without waiting for anybody.
  void ask_to_stop(std::string_view cause) {
    if (!is_stopping) return stop(cause);
    is_in_haste = true;
    log.info("not waiting any longer", {{"cause", cause}});
    if (!has_ended) loop.stop();  // while the exchange is to answer the Close
  }

  /// Goes on sending what waits for consumers, until that is done, the linger is over, or somebody
  /// is in haste.
  void linger() {
    using std::chrono_literals::operator""ms;
    const auto sent = publisher.close();
    const auto stored = jetstream ? jetstream->close() : std::future<void>();
    const auto is_done = [&] {
      return sent.wait_for(10ms) == std::future_status::ready &&
             (!stored.valid() || stored.wait_for(10ms) == std::future_status::ready);
    };
    is_lingering = true;
    const auto goes_on = asio::make_work_guard(loop);
    loop.restart();
    wait_for_signal();
    bool has_told = false;
    while (!is_in_haste && !is_done()) {
      if (!std::exchange(has_told, true))
        log.info("waiting for consumers", {{"at_most_ms", linger_limit.count()}});
      loop.poll();
    }
  }

  void reload() {
    if (read_again) reloading.take(read_again());
  }

  void stop(std::string_view cause) {
    log.info("shutdown", {{"cause", cause}});
    status.shutdown();  // the last word but for how the connection ends: no heartbeat follows
    is_stopping = true;
    heartbeat_timer.cancel();
    supervisor.stop();
  }
};

App::App(const Config& config, std::optional<Credentials> credentials, const CurveKeys& curve_keys,
         Options options)
    : parts_(std::make_unique<Parts>(config, std::move(credentials), curve_keys,
                                     std::move(options))) {}

App::~App() = default;

std::vector<std::string> App::public_endpoints() const {
  return parts_->publisher.endpoints(Audience::everyone);
}

std::vector<std::string> App::private_endpoints() const {
  return parts_->publisher.endpoints(Audience::account);
}

std::string App::http_endpoint() const { return parts_->http.endpoint(); }

void App::run(bool handles_signals) {
  auto& parts = *parts_;
  parts.log.info("started", {{"version", BPX_VERSION},
                             {"epoch", parts.epoch_us},
                             {"streams", parts.streams.streams().size()}});
  if (!parts.foreign_variables.empty())
    parts.log.warn("variables passed over",
                   {{"names", parts.foreign_variables},
                    {"cause", "no __ in them, as in BRIDGE_UPSTREAM__STREAMS"}});
  for (const auto& endpoint : public_endpoints())
    parts.log.info("publishing", {{"endpoint", endpoint}, {"audience", "public"}});
  for (const auto& endpoint : private_endpoints())
    parts.log.info("publishing", {{"endpoint", endpoint}, {"audience", "private"}});
  parts.reloading.announce();

  parts.log.info("serving http", {{"endpoint", http_endpoint()}});
  for (const auto* dialler : {&parts.dialler, &parts.rest_dialler})
    if (const auto& proxy = dialler->proxy())
      parts.log.info("going through a proxy", {{"proxy", host_and_port(proxy->host, proxy->port)},
                                               {"to", dialler->site().host}});

  parts.observe(parts.http.run(), "http");
  parts.observe(parts.exchange_clock.run(), "clock");
  parts.observe(parts.market_list.run(), "markets");
  for (std::size_t worker = 0; worker < DepthSnapshots::kAtOnce; ++worker)
    parts.observe(parts.snapshots.work(worker), "book snapshots");
  const LoopThread observer("observing", parts.observing);

  if (handles_signals) parts.handle_signals();
  const auto rethrow = [](const std::exception_ptr& error) {
    if (error) std::rethrow_exception(error);
  };
  asio::co_spawn(parts.loop, parts.beat(), rethrow);
  asio::co_spawn(parts.loop, parts.drain_requests(), rethrow);
  asio::co_spawn(parts.loop, parts.supervise(), rethrow);
  parts.loop.run();
  parts.linger();
  parts.log.info("stopped");
}

void App::reload() {
  asio::post(parts_->loop, [this] { parts_->reload(); });
}

void App::stop() {
  asio::post(parts_->loop, [this] { parts_->ask_to_stop("request"); });
}

}  // namespace bpx::bridge
