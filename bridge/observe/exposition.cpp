#include "bridge/observe/exposition.hpp"

#include "bridge/observe/metric_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace bpx::bridge {
namespace {

/// One value of the label `stream`: a stream, or all that have no series of their own.
struct StreamSeries {
  LabelText stream;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t gaps = 0;
  std::uint64_t missing = 0;
  std::int64_t last_received_ns = 0;
  std::uint64_t book_resyncs = 0;
  bool is_numbered = false;
  bool has_book = false;
  bool is_book_in_sync = true;
  bool is_subscribed = true;
  bool is_wanted = false;  ///< configured: only then can it be subscribed to, or stale

  void add(const StreamMeasurements& measured) {
    messages += measured.messages.value();
    bytes += measured.bytes.value();
    gaps += measured.gaps.value();
    missing += measured.missing.value();
    last_received_ns = std::max(last_received_ns, measured.last_received_ns.value());
    is_numbered = is_numbered || measured.is_numbered;
    add_book(measured);
  }

  void add_book(const StreamMeasurements& measured) {
    const auto book = measured.book.value();
    has_book = has_book || book != BookState::none;
    is_book_in_sync = is_book_in_sync && book != BookState::syncing;
    book_resyncs += measured.book_resyncs.value();
  }

  void add_wanted(const StreamMeasurements& measured) {
    add(measured);
    const auto state = measured.state.value();
    is_subscribed =
        is_subscribed && (state == StreamState::requested || state == StreamState::live);
    is_wanted = true;
  }
};

std::vector<StreamSeries> stream_series(const Measurements& measurements) {
  std::vector<StreamSeries> series;
  const auto labelled = [](std::string_view stream) {
    return StreamSeries{.stream = LabelText({"stream", stream})};
  };
  auto other = labelled(measurements.others().name);
  other.is_numbered = true;
  other.add(measurements.others());
  other.messages += measurements.canary.messages.value();
  other.bytes += measurements.canary.bytes.value();
  for (const StreamMeasurements& measured : measurements.streams()) {
    if (series.size() == kMaxStreamSeries || measured.name == measurements.others().name)
      other.add_wanted(measured);
    else
      series.emplace_back(labelled(measured.name)).add_wanted(measured);
  }
  series.push_back(std::move(other));
  return series;
}

/// Every series exists from the start, and none is ever NaN: sums and comparisons go on working.
double zero_if_unknown(double value) { return std::isnan(value) ? 0.0 : value; }

void write_build(MetricWriter& writer, const BuildInfo& build) {
  writer.gauge("build_info", "Always 1; the labels say what runs.");
  writer.add(1.0, {{"version", build.version}, {"libzmq", build.libzmq}, {"boost", build.boost}});
}

void write_upstream(MetricWriter& writer, const UpstreamMeasurements& upstream) {
  writer.gauge("upstream_connected", "1 while the WebSocket to the exchange stands, else 0.");
  writer.add(upstream.state.value() == LinkState::live ? 1.0 : 0.0);

  writer.counter("upstream_connects_total", "Attempts to connect to the exchange, by result.");
  for (const auto result : kConnectResults)
    writer.add(upstream.connects[result].value(), {{"result", to_string(result)}});

  writer.counter("upstream_reconnects_total",
                 "Connections to the exchange after the first. Between two of them messages are "
                 "lost.");
  writer.add(upstream.reconnects());

  writer.counter("upstream_disconnects_total",
                 "Connections to the exchange that ended, by reason.");
  for (const auto reason : kDisconnectReasons)
    writer.add(upstream.disconnects[reason].value(), {{"reason", to_string(reason)}});

  writer.counter("upstream_errors_total",
                 "Error frames of the exchange: 4003 invalid signature, 4006 invalid stream.");
  for (const auto error : kExchangeErrors)
    writer.add(upstream.errors[error].value(), {{"code", to_string(error)}});

  writer.counter("upstream_requests_total", "Requests sent to the exchange, by method.");
  for (const auto method : kRequestMethods)
    writer.add(upstream.requests[method].value(), {{"method", to_string(method)}});

  writer.counter("malformed_messages_total",
                 "Messages of the exchange that are no envelope and were dropped.");
  writer.add(upstream.malformed.value());

  writer.gauge("ping_rtt_seconds",
               "Round trip of the last WebSocket ping on this connection to the exchange; 0 before "
               "the first.");
  writer.add(zero_if_unknown(upstream.ping_rtt_s.value()));

  const auto clock_offset_s = upstream.clock_offset_s.value();
  writer.gauge("clock_offset_seconds",
               "The exchange's clock minus this machine's, measured each minute; 0 while "
               "clock_known is. Add it to a quantile of exchange_lag_seconds for the true one.");
  writer.add(zero_if_unknown(clock_offset_s));

  writer.gauge("clock_known",
               "1 while the exchange's clock could be compared at the last attempt, else 0.");
  writer.add(std::isnan(clock_offset_s) ? 0.0 : 1.0);

  writer.gauge("clock_tolerance_seconds",
               "By how much the clocks may differ: half of upstream.window_ms. Beyond it the "
               "exchange may refuse signatures.");
  writer.add(upstream.clock_tolerance_s.value());
}

void write_streams(MetricWriter& writer, const std::vector<StreamSeries>& all) {
  writer.counter(
      "received_messages_total",
      "Messages received from the exchange, by stream; those of upstream.canary, where nobody "
      "wants it, as other.");
  for (const auto& one : all) writer.add(one.messages, one.stream);

  writer.counter("received_bytes_total", "Bytes of these messages, uncompressed.");
  for (const auto& one : all) writer.add(one.bytes, one.stream);

  writer.gauge("stream_subscribed",
               "1 while the stream is requested or live, 0 while it is rejected or not yet asked "
               "for.");
  for (const auto& one : all)
    if (one.is_wanted) writer.add(one.is_subscribed ? 1.0 : 0.0, one.stream);

  writer.gauge("stream_last_message_timestamp_seconds",
               "Unix time of the stream's last message; 0 before the first.");
  for (const auto& one : all)
    if (one.is_wanted) writer.add(static_cast<double>(one.last_received_ns) / 1e9, one.stream);

  writer.counter("sequence_gaps_total",
                 "Times that the exchange's ids showed messages to be missing, by stream.");
  for (const auto& one : all)
    if (one.is_numbered) writer.add(one.gaps, one.stream);

  writer.counter("sequence_missing_total", "Ids missing in these gaps.");
  for (const auto& one : all)
    if (one.is_numbered) writer.add(one.missing, one.stream);

  writer.gauge("book_in_sync",
               "1 while the kept order book is right, 0 while it is being built; by stream of "
               "publish.books.");
  for (const auto& one : all)
    if (one.has_book) writer.add(one.is_book_in_sync ? 1.0 : 0.0, one.stream);

  writer.counter("book_resyncs_total",
                 "Times that a kept order book was lost and had to be built anew.");
  for (const auto& one : all)
    if (one.has_book) writer.add(one.book_resyncs, one.stream);
}

void write_latency(MetricWriter& writer, const Measurements& measurements) {
  const auto lag_of_types = measurements.lag();
  writer.histogram("exchange_lag_seconds",
                   "Received minus event time, by two clocks: wrong by clock_offset_seconds, which "
                   "is to be added. 0 where that is negative. By the first word of the stream's "
                   "name.");
  for (const auto& [type, lag] : lag_of_types) writer.add(lag.late, {{"type", type}});

  writer.counter("exchange_lag_negative_total",
                 "Messages that count as 0 in exchange_lag_seconds, for their event time was still "
                 "to come by this machine's clock.");
  for (const auto& [type, lag] : lag_of_types) writer.add(lag.early.value(), {{"type", type}});

  writer.counter("exchange_lag_negative_seconds_total",
                 "By how much it was, in all: what the sum of exchange_lag_seconds is too great "
                 "by.");
  for (const auto& [type, lag] : lag_of_types)
    writer.add(lag.early_ns.value() / 1e9, {{"type", type}});

  writer.histogram("forward_seconds",
                   "From a message received to its handing over to ZeroMQ, by one clock; where "
                   "nobody is connected, to where it would be handed over.");
  writer.add(measurements.forward);
}

void write_endpoints(MetricWriter& writer, const Measurements& measurements) {
  const auto of_each = [&](auto value) {
    writer.add(value(measurements.everyone), {{"endpoint", "public"}});
    writer.add(value(measurements.account), {{"endpoint", "private"}});
  };
  writer.counter("published_messages_total",
                 "Messages published, by endpoint: bridge.status, replays and books included, and "
                 "whether or not anybody listens.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.messages.value(); });

  writer.counter("published_bytes_total", "Bytes of these messages' payload.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.bytes.value(); });

  writer.gauge("subscribers", "Consumers connected, by endpoint.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.peers.value(); });

  writer.counter("subscriber_departures_total",
                 "Connections of consumers that ended, whoever ended them: a consumer that is cut "
                 "off again and again shows here.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.departures.value(); });

  writer.counter("slow_subscriber_episodes_total",
                 "Times that a consumer's queue became full, so that it lost messages.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.slow_episodes.value(); });

  writer.counter("evicted_subscribers_total",
                 "Consumers disconnected for being furthest behind when more than "
                 "publish.queue_bytes waited.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.evicted.value(); });

  writer.gauge("queued_bytes", "Payload that waits for consumers, as of the last second.");
  writer.add(measurements.queued_bytes.value());

  writer.counter("auth_failures_total", "Consumers turned away for want of a valid key.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.auth_failures.value(); });

  writer.counter("handshake_failures_total",
                 "Connections that never became a consumer's: silent, or not speaking ZeroMQ.");
  of_each([](const EndpointMeasurements& endpoint) { return endpoint.handshake_failures.value(); });

  writer.counter("turned_away_total",
                 "Consumers' connections that the bridge ended to protect the others.");
  for (const auto reason : kTurnedAway) {
    const auto label = to_string(reason);
    writer.add(measurements.everyone.turned_away[reason].value(),
               {{"endpoint", "public"}, {"reason", label}});
    writer.add(measurements.account.turned_away[reason].value(),
               {{"endpoint", "private"}, {"reason", label}});
  }

  writer.counter("consumer_requests_total",
                 "What consumers sent: subscriptions, their ends, and what means nothing.");
  for (const auto request : kConsumerRequests) {
    const auto label = to_string(request);
    writer.add(measurements.everyone.requests[request].value(),
               {{"endpoint", "public"}, {"kind", label}});
    writer.add(measurements.account.requests[request].value(),
               {{"endpoint", "private"}, {"kind", label}});
  }

  writer.counter("replays_total", "Requests for a replay or a book, by what became of them.");
  for (const auto result : kReplayResults)
    writer.add(measurements.replays[result].value(), {{"result", to_string(result)}});

  writer.gauge("replay_backlog_bytes",
               "Replays and books that consumers asked for and have not taken yet.");
  writer.add(measurements.replay_backlog.value());

  writer.counter("on_demand_refused_total",
                 "Consumers' subscriptions to a stream on demand that came in vain: too many such "
                 "streams are wanted already, in all or by that consumer.");
  writer.add(measurements.on_demand_refused.value());
}

void write_jetstream(MetricWriter& writer, const JetStreamMeasurements& jetstream) {
  writer.gauge("jetstream_connected",
               "1 while a NATS server takes messages for JetStream, else 0; 0 where none is "
               "configured.");
  writer.add(jetstream.connected.value() ? 1.0 : 0.0);

  writer.gauge("jetstream_configured", "1 where publish.jetstream.servers names a server, else 0.");
  writer.add(jetstream.is_enabled.value() ? 1.0 : 0.0);

  writer.counter("jetstream_reconnects_total", "Connections to NATS after the first.");
  writer.add(jetstream.reconnects());

  writer.counter("jetstream_published_total", "Messages handed over to be sent to JetStream.");
  writer.add(jetstream.published.value());

  writer.counter("jetstream_acknowledged_total", "Of these, messages that JetStream has stored.");
  writer.add(jetstream.acknowledged.value());

  writer.counter("jetstream_lost_total",
                 "Messages that JetStream will not have: more than publish.jetstream.max_pending "
                 "or 256 MiB waited, or the server takes none like it. ZeroMQ had them.");
  writer.add(jetstream.lost());

  writer.gauge("jetstream_pending", "Messages that are not acknowledged yet.");
  writer.add(jetstream.pending());

  writer.histogram("jetstream_acknowledgement_seconds",
                   "From a message last sent to NATS to its acknowledgement.");
  writer.add(jetstream.acknowledgement);
}

void write_http(MetricWriter& writer, const Measurements& measurements) {
  writer.counter("http_refused_total", "HTTP clients whose connection was ended, by reason.");
  for (const auto reason : kHttpRefusals)
    writer.add(measurements.http_refusals[reason].value(), {{"reason", to_string(reason)}});
}

void write_process(MetricWriter& writer, const ProcessMetrics& process) {
  writer.process_counter("process_cpu_seconds_total", "User and system CPU time spent.");
  writer.add(process.cpu_seconds);
  writer.process_gauge("process_resident_memory_bytes", "Resident memory.");
  writer.add(process.resident_bytes);
  writer.process_gauge("process_open_fds", "Open file descriptors.");
  writer.add(process.open_fds);
  writer.process_gauge("process_max_fds", "How many file descriptors may be open.");
  writer.add(process.max_fds);
  writer.process_gauge("process_start_time_seconds", "Unix time at which the process started.");
  writer.add(process.start_time_seconds);
}

}  // namespace

std::string exposition(const Measurements& measurements, const ProcessMetrics& process,
                       const BuildInfo& build) {
  MetricWriter writer;
  write_build(writer, build);
  write_upstream(writer, measurements.upstream);
  write_streams(writer, stream_series(measurements));
  write_latency(writer, measurements);
  write_endpoints(writer, measurements);
  write_jetstream(writer, measurements.jetstream);
  write_http(writer, measurements);
  write_process(writer, process);
  return writer.finish();
}

}  // namespace bpx::bridge
