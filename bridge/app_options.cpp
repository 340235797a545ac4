#include "bridge/app_options.hpp"

#include "bridge/config/endpoint.hpp"
#include "bridge/config/jetstream_settings.hpp"
#include "bridge/startup_error.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <sys/resource.h>

namespace bpx::bridge {
namespace {

using std::chrono::milliseconds;

std::optional<Publisher::Curve> curve_options(const Config::Curve& curve,
                                              const std::optional<CurveKey>& key) {
  if (!key) return std::nullopt;
  return Publisher::Curve{key->secret_key(), Admission(curve.allow)};
}

/// One at each endpoint.
constexpr std::size_t kFewestConsumers = 2;

rlim_t descriptors_limit() {
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

ExchangeUrl rest_url(const Config::Upstream& upstream) {
  return parse_exchange_url(upstream.rest_url, "https").value();
}

/// What precedes every path of the exchange's REST side.
std::string rest_path_prefix(const Config::Upstream& upstream) {
  auto prefix = rest_url(upstream).target;
  while (prefix.ends_with('/')) prefix.pop_back();
  return prefix;
}

std::optional<Proxy> proxy_options(const std::optional<ProxyUrl>& url) {
  if (!url) return std::nullopt;
  return Proxy{.host = url->host, .port = url->port, .credentials = url->credentials};
}

Dialler::Options dialler_options(const ExchangeUrl& url, const Config::Upstream& upstream,
                                 const ProxyEnvironment& environment) {
  return {.site = {.is_tls = url.is_tls, .host = url.host, .port = url.port},
          .only_this_machine = !url.is_tls,
          .proxy = proxy_options(proxy_for(url, upstream.proxy, environment)),
          .patience = milliseconds(upstream.connect_timeout_ms / 3)};
}

}  // namespace

Publisher::Options publisher_options(const Config::Publish& publish, const CurveKeys& keys) {
  return {.public_bind = publish.public_.bind,
          .private_bind = publish.private_.bind,
          .public_curve = curve_options(publish.public_.curve, keys.public_),
          .private_curve = curve_options(publish.private_.curve, keys.private_),
          .send_hwm = static_cast<int>(publish.send_hwm),
          .queue_bytes = publish.queue_bytes,
          .linger = milliseconds(publish.linger_ms)};
}

std::optional<JetStream::Options> jetstream_options(const Config::Publish& publish) {
  const auto& settings = publish.jetstream;
  if (settings.servers.empty()) return std::nullopt;
  JetStream::Options options;
  for (const auto& text : settings.servers) {
    auto url = parse_nats_url(text).value();
    options.servers.push_back({.url = text,
                               .host = std::move(url.address.host),
                               .port = url.address.port,
                               .is_tls = url.is_tls});
  }
  options.access = {.ca_file = settings.ca_file, .credentials_file = settings.credentials_file};
  options.stream = {.name = settings.stream,
                    .subject_prefix = settings.subject_prefix,
                    .replicas = settings.replicas,
                    .max_age = std::chrono::seconds(settings.max_age_s),
                    .max_bytes = settings.max_bytes};
  options.max_pending = settings.max_pending;
  options.include_private = settings.include_private;
  options.linger = milliseconds(publish.linger_ms);
  return options;
}

std::size_t descriptors_for_consumers(const Config& config, std::size_t open) {
  // The connection to the exchange and the next one, a look-up of its name, its clock, and files
  // that are read now and then.
  constexpr std::size_t kForTheBridge = 8;
  constexpr std::size_t kForJetStream = 4;  // its connection, its credentials, a look-up
  const auto for_books = config.publish.books.empty() ? 0 : DepthSnapshots::kAtOnce;
  const auto for_jetstream = config.publish.jetstream.servers.empty() ? 0 : kForJetStream;
  const auto reserved =
      open + kForTheBridge + for_books + for_jetstream + http_options(config.http).max_connections;
  const auto limit = descriptors_limit();
  if (limit < reserved + kFewestConsumers)
    throw StartupError("the limit of " + std::to_string(limit) +
                       " file descriptors leaves none for consumers; raise it (LimitNOFILE, ulimit "
                       "-n) to " +
                       std::to_string(reserved + kFewestConsumers) + " or more");
  return limit - reserved;
}

std::size_t most_waiting(const Config::Publish& publish) {
  constexpr std::size_t kForBooks = 1U << 20U;  // where nothing is kept for replay
  return std::max<std::size_t>(publish.replay_bytes, kForBooks);
}

Dialler::Options dialler_options(const Config::Upstream& upstream,
                                 const ProxyEnvironment& environment) {
  return dialler_options(parse_exchange_url(upstream.url, "wss").value(), upstream, environment);
}

Dialler::Options rest_dialler_options(const Config::Upstream& upstream,
                                      const ProxyEnvironment& environment) {
  return dialler_options(rest_url(upstream), upstream, environment);
}

Session::Options session_options(const Config::Upstream& upstream, Dialler& dialler,
                                 milliseconds close_grace) {
  return {.connection = {.dialler = dialler,
                         .target = parse_exchange_url(upstream.url, "wss").value().target,
                         .compression = upstream.compression,
                         .max_message_bytes = upstream.max_message_bytes,
                         .connect_timeout = milliseconds(upstream.connect_timeout_ms)},
          .liveness = {.idle_timeout = milliseconds(upstream.idle_timeout_ms),
                       .data_timeout = milliseconds(upstream.data_timeout_ms)},
          .canary = upstream.canary,
          .window_ms = static_cast<std::uint32_t>(upstream.window_ms),
          .requests_per_second = upstream.requests_per_second,
          .close_grace = close_grace};
}

Backoff::Options backoff_options(const Config::Upstream& upstream) {
  return {.initial = milliseconds(upstream.backoff_initial_ms),
          .max = milliseconds(upstream.backoff_max_ms)};
}

ExchangeClock::Options clock_options(const Config::Upstream& upstream, Dialler& dialler,
                                     std::function<void()> on_attempt) {
  return {.rest = {.dialler = dialler, .max_body_bytes = 1'024},  // a time has a dozen
          .path_prefix = rest_path_prefix(upstream),
          .tolerance = milliseconds(upstream.window_ms / 2),
          .on_attempt = std::move(on_attempt)};
}

MarketList::Options market_options(const Config::Upstream& upstream, Dialler& dialler) {
  return {.rest = {.dialler = dialler, .max_body_bytes = MarketList::kMaxBodyBytes},
          .path_prefix = rest_path_prefix(upstream)};
}

DepthSnapshots::Options snapshot_options(const Config::Upstream& upstream, Dialler& dialler) {
  return {.rest = {.dialler = dialler},
          .path_prefix = rest_path_prefix(upstream),
          .backoff = backoff_options(upstream)};
}

OnDemand::Options on_demand_options(const Config& config) {
  const auto& [enabled, allow, linger_ms] = config.upstream.on_demand;
  return {.is_enabled = enabled,
          .allow = allow,
          .always = {config.upstream.streams.begin(), config.upstream.streams.end()},
          .linger_ns = static_cast<std::int64_t>(linger_ms) * 1'000'000,
          .topic_terminator = config.publish.topic_terminator};
}

HttpServer::Options http_options(const Config::Http& http) {
  const auto address = parse_socket_address(http.bind).value();
  HttpServer::Options options{.host = address.host, .port = address.port};
  // Where descriptors are scarce, clients of HTTP have few of them.
  options.max_connections =
      std::clamp<std::size_t>(descriptors_limit() / 16, 2, options.max_connections);
  return options;
}

}  // namespace bpx::bridge
