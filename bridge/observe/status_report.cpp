#include "bridge/observe/status_report.hpp"

#include "bridge/clock.hpp"
#include "bridge/observe/readiness.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace bpx::bridge {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kNsPerMs = 1'000'000;

/// Texts of the exchange may be invalid UTF-8: that must not hide everything else.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json milliseconds_or_null(double seconds) {
  return std::isnan(seconds) ? Json(nullptr) : Json(seconds * 1e3);
}

Json last_disconnect(const UpstreamMeasurements& upstream) {
  const auto time_ns = upstream.last_disconnect_ns.value();
  if (time_ns == 0) return nullptr;
  return {{"reason", to_string(upstream.last_disconnect.value())}, {"time_ms", time_ns / kNsPerMs}};
}

std::uint64_t turned_away(const EndpointMeasurements& endpoint) {
  std::uint64_t sum = 0;
  for (const auto reason : kTurnedAway) sum += endpoint.turned_away[reason].value();
  return sum;
}

/// How many consumers there are, and what they have suffered.
void add_endpoints(Json& json, const Measurements& measurements) {
  const auto add = [&](const char* name, const auto& value) {
    json[name] = {{"public", value(measurements.everyone)},
                  {"private", value(measurements.account)}};
  };
  using Endpoint = EndpointMeasurements;
  add("subscribers", [](const Endpoint& endpoint) { return endpoint.peers.value(); });
  add("slow_episodes", [](const Endpoint& endpoint) { return endpoint.slow_episodes.value(); });
  add("last_slow_ms",
      [](const Endpoint& endpoint) { return endpoint.last_slow_ns.value() / kNsPerMs; });
  add("evicted", [](const Endpoint& endpoint) { return endpoint.evicted.value(); });
  add("last_evicted_ms",
      [](const Endpoint& endpoint) { return endpoint.last_evicted_ns.value() / kNsPerMs; });
  add("auth_failures", [](const Endpoint& endpoint) { return endpoint.auth_failures.value(); });
  add("turned_away", turned_away);
}

Json received(const Measurements& measurements) {
  auto messages = measurements.others().messages.value();
  auto bytes = measurements.others().bytes.value();
  for (const StreamMeasurements& stream : measurements.streams()) {
    messages += stream.messages.value();
    bytes += stream.bytes.value();
  }
  return {{"messages", messages},
          {"bytes", bytes},
          {"canary", measurements.canary.messages.value()},
          {"malformed", measurements.upstream.malformed.value()}};
}

Json errors(const UpstreamMeasurements& upstream) {
  Json json;
  for (const auto error : kExchangeErrors) json[to_string(error)] = upstream.errors[error].value();
  return json;
}

Json lag(const Measurements& measurements) {
  std::uint64_t count = 0;
  double sum_ns = 0;
  for (const auto& [type, lag] : measurements.lag()) {
    count += lag.late.count();
    sum_ns += lag.sum_ns();
  }
  return {{"count", count}, {"sum_seconds", sum_ns / 1e9}};
}

Json sum_and_count(const Histogram& histogram) {
  return {{"count", histogram.count()}, {"sum_seconds", histogram.sum_ns() / 1e9}};
}

/// When the last message of all came, of streams that nobody asked for too. Which is the last the
/// steady clock tells: the wall clock may have been set between two.
Moment last_message(const Measurements& measurements) {
  Moment last;
  const auto look_at = [&](const StreamMeasurements& stream) {
    const auto steady_ns = stream.last_received_steady_ns.value();
    if (steady_ns > last.steady_ns) last = {stream.last_received_ns.value(), steady_ns};
  };
  look_at(measurements.others());
  for (const StreamMeasurements& stream : measurements.streams()) look_at(stream);
  return last;
}

/// Of three words that consumers are told; which of those requested wait for their turn is told
/// apart.
std::string_view shown(StreamState state) {
  return to_string(state == StreamState::waiting ? StreamState::requested : state);
}

Json book_of(const StreamMeasurements& stream) {
  const auto book = stream.book.value();
  return book == BookState::none ? Json(nullptr) : Json(to_string(book));
}

/// By the steady clock: a step of the wall clock would pass for silence, or hide it. Null for
/// never; never less than 0, though a message may come while this is written.
Json age_ms(std::int64_t then_steady_ns, std::int64_t now_steady_ns) {
  if (then_steady_ns == 0) return nullptr;
  return std::max<std::int64_t>(0, now_steady_ns - then_steady_ns) / kNsPerMs;
}

Json stream_report(const StreamMeasurements& stream, const EndpointMeasurements& endpoint,
                   std::int64_t now_steady_ns,
                   const std::map<std::string, RejectedStream>& rejected) {
  Json json = {{"name", stream.name},
               {"private", stream.is_private},
               {"subscribers", stream.subscriptions.value() + endpoint.to_everything.value()},
               {"book", book_of(stream)},
               {"state", shown(stream.state.value())},
               {"waiting", stream.state.value() == StreamState::waiting},
               {"sequence", stream.published.value()},
               {"last_message_ms", stream.last_received_ns.value() / kNsPerMs},
               {"age_ms", age_ms(stream.last_received_steady_ns.value(), now_steady_ns)},
               {"messages", stream.messages.value()},
               {"bytes", stream.bytes.value()},
               {"gaps", stream.gaps.value()},
               {"missing", stream.missing.value()},
               {"last_gap_ms", stream.last_gap_ns.value() / kNsPerMs}};
  if (stream.state.value() != StreamState::rejected) return json;
  if (const auto text = rejected.find(stream.name); text != rejected.end()) {
    json["code"] = text->second.code;
    json["message"] = text->second.message;
  }
  return json;
}

Json on_demand_report(const Measurements& measurements) {
  Json json = Json::array();
  for (const auto& [name, stream] : measurements.on_demand())
    json.push_back({{"name", name},
                    {"state", shown(stream.state)},
                    {"waiting", stream.state == StreamState::waiting},
                    {"subscribers", stream.subscribers}});
  return json;
}

void add_consumers(Json& all, const EndpointMeasurements& endpoint, std::string_view name) {
  for (const auto& consumer : endpoint.consumers.get())
    all.push_back(
        {{"endpoint", name},
         {"address", consumer.address},
         {"since_ms", consumer.since_ns / kNsPerMs},
         {"subscriptions", consumer.subscriptions ? Json(*consumer.subscriptions) : Json(nullptr)},
         {"unsent_bytes", consumer.unsent_bytes},
         {"behind", consumer.is_behind}});
}

Json consumers_report(const Measurements& measurements) {
  Json json = Json::array();
  add_consumers(json, measurements.everyone, "public");
  add_consumers(json, measurements.account, "private");
  return json;
}

/// The readiness of this sink alone: it does not count in that of the bridge.
Json jetstream_readiness(const JetStreamMeasurements& jetstream) {
  const auto reasons = reasons_jetstream_not_ready(jetstream);
  return {{"ready", reasons.empty()}, {"reasons", reasons}};
}

Json jetstream_report(const JetStreamMeasurements& jetstream) {
  if (!jetstream.is_enabled.value()) return nullptr;
  auto json = jetstream_readiness(jetstream);
  json["connected"] = jetstream.connected.value();
  json["published"] = jetstream.published.value();
  json["acknowledged"] = jetstream.acknowledged.value();
  json["pending"] = jetstream.pending();
  json["lost"] = jetstream.lost();
  json["reconnects"] = jetstream.reconnects();
  return json;
}

}  // namespace

std::string status_report(const Measurements& measurements, const StatusContext& context,
                          Moment now) {
  const auto& upstream = measurements.upstream;
  const auto reasons = reasons_not_ready(measurements, context.idle_timeout, now.steady_ns);
  const auto last = last_message(measurements);
  const auto uptime_ns = now.steady_ns - context.started_steady_ns;
  Json json = {{"version", context.version},
               {"state", to_string(upstream.state.value())},
               {"alive", !reason_not_alive(measurements, now.steady_ns)},
               {"ready", reasons.empty()},
               {"reasons", reasons},
               {"time_ms", now.unix_ns / kNsPerMs},
               {"epoch", context.epoch_us},
               {"connection", upstream.connection.value()},
               {"connected_ms", upstream.connected_ns.value() / kNsPerMs},
               {"uptime_seconds", static_cast<double>(uptime_ns) / 1e9},
               {"reconnects", upstream.reconnects()},
               {"last_attempt", to_string(upstream.last_attempt.value())},
               {"last_disconnect", last_disconnect(upstream)},
               {"received", received(measurements)},
               {"errors", errors(upstream)},
               {"lag", lag(measurements)},
               {"forward", sum_and_count(measurements.forward)},
               {"ping_rtt_ms", milliseconds_or_null(upstream.ping_rtt_s.value())},
               {"clock_offset_ms", milliseconds_or_null(upstream.clock_offset_s.value())},
               {"clock_tolerance_ms", upstream.clock_tolerance_s.value() * 1e3},
               {"queued_bytes", measurements.queued_bytes.value()},
               {"queue_limit_bytes", context.queue_bytes},
               {"idle_timeout_ms", context.idle_timeout.count()},
               {"last_message_ms", last.unix_ns / kNsPerMs},
               {"age_ms", age_ms(last.steady_ns, now.steady_ns)}};
  add_endpoints(json, measurements);
  json["streams"] = Json::array();
  const auto rejected = measurements.rejected();
  for (const StreamMeasurements& stream : measurements.streams())
    json["streams"].push_back(
        stream_report(stream, stream.is_private ? measurements.account : measurements.everyone,
                      now.steady_ns, rejected));
  json["on_demand"] = on_demand_report(measurements);
  json["consumers"] = consumers_report(measurements);
  json["jetstream"] = jetstream_report(measurements.jetstream);
  return dump(json);
}

ReadinessReport readiness_report(const Measurements& measurements, const StatusContext& context,
                                 Moment now) {
  const auto reasons = reasons_not_ready(measurements, context.idle_timeout, now.steady_ns);
  Json json = {{"ready", reasons.empty()}, {"reasons", reasons}};
  if (measurements.jetstream.is_enabled.value())
    json["jetstream"] = jetstream_readiness(measurements.jetstream);
  return {.ready = reasons.empty(), .json = dump(json)};
}

}  // namespace bpx::bridge
