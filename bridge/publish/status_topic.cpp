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

Json event(std::string_view name, LinkState state, std::uint32_t connection) {
  return {{"event", name}, {"state", to_string(state)}, {"connection", connection}};
}

}  // namespace

std::string_view to_string(LinkState state) {
  switch (state) {
    case LinkState::connecting: return "connecting";
    case LinkState::live: return "live";
    case LinkState::down: break;
  }
  return "down";
}

StatusTopic::StatusTopic(const Options& options, Publisher& publisher)
    : publisher_(publisher),
      epoch_us_(options.epoch_us),
      topic_("bridge.status" + options.topic_terminator) {}

void StatusTopic::heartbeat() { publish_to_all(dump(event("heartbeat", state_, connection_))); }

void StatusTopic::connecting() { state_ = LinkState::connecting; }

void StatusTopic::retrying() { state_ = LinkState::down; }

void StatusTopic::connected(std::uint32_t connection) {
  state_ = LinkState::live;
  connection_ = connection;
  publish_to_all(dump(event("connected", state_, connection_)));
}

void StatusTopic::disconnected(std::string_view reason, std::chrono::milliseconds retry) {
  state_ = LinkState::down;
  auto json = event("disconnected", state_, connection_);
  json["reason"] = reason;
  json["retry_ms"] = retry.count();
  publish_to_all(dump(json));
}

void StatusTopic::rejected(std::string_view stream, std::int64_t code, std::string_view message) {
  auto json = event("rejected", state_, connection_);
  json["stream"] = stream;
  json["code"] = code;
  json["message"] = message;
  publish(audience_of(stream), dump(json));
  if (audience_of(stream) == Audience::everyone) publish(Audience::account, dump(json));
}

void StatusTopic::shutdown() {
  state_ = LinkState::down;
  publish_to_all(dump(event("shutdown", state_, connection_)));
}

void StatusTopic::publish(Audience audience, const std::string& payload) {
  proto::MessageHeader header;
  header.connection = connection_;
  header.epoch_us = epoch_us_;
  header.sequence = ++sequences_[static_cast<std::size_t>(audience)];
  header.received_ns = unix_ns();
  publisher_.publish(audience, topic_, payload, header);
}

void StatusTopic::publish_to_all(const std::string& payload) {
  publish(Audience::everyone, payload);
  publish(Audience::account, payload);
}

}  // namespace bpx::bridge
