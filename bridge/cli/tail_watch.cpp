#include "bridge/cli/tail_watch.hpp"

#include <nlohmann/json.hpp>

namespace bpx::bridge::cli {

namespace {

using Json = nlohmann::json;

/// What comes over the network need not be what it should: a member of another type reads as
/// absent.
std::string text_of(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : std::string();
}

std::string number_of(const Json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_number() ? member->dump() : "?";
}

}  // namespace

std::optional<std::string> TailWatch::on_message(std::string_view topic,
                                                 const proto::MessageHeader& header) {
  // Each endpoint counts its own status messages, and both may be watched at once.
  if (topic.starts_with("bridge.status")) return std::nullopt;
  std::optional<std::string> remark;
  if (header.epoch_us > newest_epoch_us_) {
    if (newest_epoch_us_ != 0)
      remark = "another bridge, or one restarted: its sequences begin anew";
    newest_epoch_us_ = header.epoch_us;
  }
  auto& known = sequences_[{header.epoch_us, std::string(topic)}];
  if (known != 0 && header.sequence > known + 1)
    remark = std::to_string(header.sequence - known - 1) + " messages of " + std::string(topic) +
             " were lost on the way here: this consumer is too slow";
  known = header.sequence;
  return remark;
}

std::optional<std::string> TailWatch::on_status(std::string_view payload) {
  const auto json = Json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  state_ = text_of(json, "state");
  const auto event = text_of(json, "event");
  if (event == "connected")
    return "the bridge connected to the exchange (connection " + number_of(json, "connection") +
           ')';
  if (event == "disconnected")
    return "the bridge lost the exchange (" + text_of(json, "reason") + "), retries in " +
           number_of(json, "retry_ms") + " ms";
  if (event == "rejected")
    return "the exchange rejected " + text_of(json, "stream") + ": " + text_of(json, "message");
  if (event == "shutdown") return "the bridge shuts down";
  return std::nullopt;
}

std::string TailWatch::explain_silence(std::string_view endpoints, std::string_view topics) const {
  if (state_.empty())
    return "nothing comes from " + std::string(endpoints) +
           ", not even heartbeats: does the bridge run, and does it publish there? Is it reachable "
           "from here?";
  if (state_ != "live")
    return "the bridge runs, but it is not connected to the exchange (state " + state_ +
           "): its log says why";
  return "the bridge is live, but nothing comes on " + std::string(topics) +
         ": is it spelled exactly and among upstream.streams? account.* comes on the private "
         "endpoint alone; a topic may end in publish.topic_terminator; a market may be quiet";
}

}  // namespace bpx::bridge::cli
