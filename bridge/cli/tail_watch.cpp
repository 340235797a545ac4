#include "bridge/cli/tail_watch.hpp"

#include <nlohmann/json.hpp>

namespace bpx::bridge::cli {

std::optional<std::string> TailWatch::on_message(std::string_view topic,
                                                 const proto::MessageHeader& header) {
  std::optional<std::string> remark;
  if (header.epoch_us != epoch_us_) {
    if (epoch_us_ != 0) remark = "the bridge was restarted: sequences begin anew";
    epoch_us_ = header.epoch_us;
    sequences_.clear();
  }
  auto known = sequences_.find(topic);
  if (known == sequences_.end()) {
    sequences_.emplace(topic, header.sequence);
  } else {
    if (header.sequence > known->second + 1)
      remark = std::to_string(header.sequence - known->second - 1) + " messages of " +
               std::string(topic) + " were lost on the way here: this consumer is too slow";
    known->second = header.sequence;
  }
  return remark;
}

std::optional<std::string> TailWatch::on_status(std::string_view payload) {
  const auto json = nlohmann::json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  state_ = json.value("state", "");
  const auto event = json.value("event", "");
  if (event == "connected")
    return "the bridge connected to the exchange (connection " +
           std::to_string(json.value("connection", 0U)) + ')';
  if (event == "disconnected")
    return "the bridge lost the exchange (" + json.value("reason", "") + "), retries in " +
           std::to_string(json.value("retry_ms", 0)) + " ms";
  if (event == "rejected")
    return "the exchange rejected " + json.value("stream", "") + ": " + json.value("message", "");
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
