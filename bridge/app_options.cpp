#include "bridge/app_options.hpp"

#include "bridge/config/endpoint.hpp"

#include <algorithm>
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

/// Consumers must not use up the file descriptors that the bridge itself needs: to come back to the
/// exchange, to ask for its time, to look up names, to answer HTTP. Returns how many are theirs.
std::size_t descriptors_for_consumers() {
  constexpr rlim_t kReserve = 256;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur - std::min(kReserve, limit.rlim_cur / 2);
}

Attendance::Bounds bounds_within(std::size_t descriptors) {
  Attendance::Bounds bounds;
  bounds.connections = std::min(bounds.connections, descriptors);
  return bounds;
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
  const auto descriptors = descriptors_for_consumers();
  return {.public_bind = publish.public_.bind,
          .private_bind = publish.private_.bind,
          .public_curve = curve_options(publish.public_.curve, keys.public_),
          .private_curve = curve_options(publish.private_.curve, keys.private_),
          .send_hwm = static_cast<int>(publish.send_hwm),
          .public_bounds = bounds_within(descriptors / 4 * 3),
          .private_bounds = bounds_within(descriptors / 4),
          .linger = milliseconds(publish.linger_ms)};
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

Session::Options session_options(const Config::Upstream& upstream, Dialler& dialler) {
  return {.connection = {.dialler = dialler,
                         .target = parse_exchange_url(upstream.url, "wss").value().target,
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

ExchangeClock::Options clock_options(const Config::Upstream& upstream, Dialler& dialler) {
  return {.rest = {.dialler = dialler, .max_body_bytes = 1'024},  // a time has a dozen
          .path_prefix = rest_path_prefix(upstream),
          .tolerance = milliseconds(upstream.window_ms / 2)};
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
  return {.host = address.host, .port = address.port};
}

}  // namespace bpx::bridge
