#include "bridge/publish/status_topic.hpp"

#include "bridge/clock.hpp"

#include <nlohmann/json.hpp>

namespace bpx::bridge {
namespace {

using Json = nlohmann::ordered_json;

/// Texts of the exchange may be invalid UTF-8: that must not stop a status message.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json event(std::string_view name, const UpstreamMeasurements& upstream) {
  return {{"event", name},
          {"state", to_string(upstream.state.value())},
          {"connection", upstream.connection.value()}};
}

/// What the exchange says may name a stream of the account.
bool may_everyone_read(std::string_view text) { return text.find("account.") == text.npos; }

}  // namespace

StatusTopic::StatusTopic(const Options& options, Publisher& publisher,
                         UpstreamMeasurements& upstream)
    : publisher_(publisher),
      upstream_(upstream),
      epoch_us_(options.epoch_us),
      topic_("bridge.status" + options.topic_terminator) {}

void StatusTopic::heartbeat() { publish_to_all(dump(event("heartbeat", upstream_))); }

void StatusTopic::connecting() { upstream_.state.set(LinkState::connecting); }

void StatusTopic::retrying() { upstream_.state.set(LinkState::down); }

void StatusTopic::connected(std::uint32_t connection) {
  upstream_.state.set(LinkState::live);
  upstream_.connection.set(connection);
  publish_to_all(dump(event("connected", upstream_)));
}

void StatusTopic::disconnected(const Disconnection& disconnection) {
  upstream_.state.set(LinkState::down);
  auto json = event("disconnected", upstream_);
  json["reason"] = disconnection.reason;
  json["retry_ms"] = disconnection.retry.count();
  if (disconnection.code != 0) json["code"] = disconnection.code;
  auto in_full = json;
  in_full["detail"] = disconnection.detail;
  const bool is_open = may_everyone_read(disconnection.detail);
  publish(Audience::everyone, dump(is_open ? in_full : json));
  publish(Audience::account, dump(in_full));
}

void StatusTopic::rejected(std::string_view stream, std::int64_t code, std::string_view message) {
  auto json = event("rejected", upstream_);
  json["stream"] = stream;
  json["code"] = code;
  json["message"] = message;
  const auto in_full = dump(json);
  if (!may_everyone_read(message)) json["message"] = "withheld: it names a stream of the account";
  publish_about(stream, dump(json), in_full);
}

void StatusTopic::gap(std::string_view stream, std::uint64_t expected, std::uint64_t got) {
  auto json = event("gap", upstream_);
  json["stream"] = stream;
  json["expected"] = expected;
  json["got"] = got;
  publish_about(stream, dump(json), dump(json));
}

void StatusTopic::jetstream(std::string_view what, std::string_view cause, Audience who_may_read,
                            const JetStreamMeasurements& measurements) {
  auto json = event("jetstream", upstream_);
  json["jetstream"] = what;
  json["pending"] = measurements.pending();
  json["lost"] = measurements.lost();
  auto in_full = json;
  if (!cause.empty()) in_full["detail"] = cause;
  publish(Audience::everyone, dump(who_may_read == Audience::everyone ? in_full : json));
  publish(Audience::account, dump(in_full));
}

void StatusTopic::shutdown() {
  upstream_.state.set(LinkState::down);
  publish_to_all(dump(event("shutdown", upstream_)));
}

void StatusTopic::publish(Audience audience, const std::string& payload) {
  proto::MessageHeader header;
  header.connection = upstream_.connection.value();
  header.epoch_us = epoch_us_;
  header.sequence = ++sequences_[static_cast<std::size_t>(audience)];
  header.received_ns = header.sent_ns = unix_ns();
  publisher_.publish(audience, topic_, payload, header);
}

/// What concerns an account's stream is for the account alone.
void StatusTopic::publish_about(std::string_view stream, const std::string& for_everyone,
                                const std::string& for_account) {
  if (audience_of(stream) == Audience::everyone) publish(Audience::everyone, for_everyone);
  publish(Audience::account, for_account);
}

void StatusTopic::publish_to_all(const std::string& payload) {
  publish(Audience::everyone, payload);
  publish(Audience::account, payload);
}

}  // namespace bpx::bridge
