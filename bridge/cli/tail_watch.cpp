#include "bridge/cli/tail_watch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>

namespace bpx::bridge::cli {

namespace {

using Json = nlohmann::json;

/// Heartbeats that fail to come for so long, and for twice their interval, have stopped.
constexpr std::chrono::milliseconds kPatience{2'500};

/// Within this time the same remark comes from the other endpoint of the same bridge.
constexpr std::chrono::seconds kSameEvent{1};

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

std::optional<std::string> remark_on(const std::string& event, const Json& status) {
  if (event == "connected")
    return "the bridge connected to the exchange (connection " + number_of(status, "connection") +
           ')';
  if (event == "disconnected")
    return "the bridge lost the exchange (" + text_of(status, "reason") + "), retries in " +
           number_of(status, "retry_ms") + " ms";
  if (event == "rejected")
    return "the exchange rejected " + text_of(status, "stream") + ": " + text_of(status, "message");
  if (event == "shutdown") return "the bridge shuts down";
  return std::nullopt;
}

/// How often something was seen, behind the remark that says so.
std::string times(std::uint64_t count) {
  return count == 1 ? std::string() : " (" + std::to_string(count) + " times by now)";
}

}  // namespace

std::optional<std::string> TailWatch::on_message(std::string_view topic,
                                                 const proto::MessageHeader& header) {
  // Each endpoint counts its own status messages, and both may be watched at once.
  if (topic.starts_with("bridge.status")) return std::nullopt;
  std::optional<std::string> remark;
  if (epochs_.insert(header.epoch_us).second && epochs_.size() > 1)
    remark = "another bridge, or one restarted: its sequences begin anew";
  // Answers to others come under topics of their own, each once and without end.
  if (topic.starts_with("bridge.")) return remark;
  auto& known = sequences_[{header.epoch_us, std::string(topic)}];
  if (known != 0 && header.sequence > known + 1)
    remark = std::to_string(header.sequence - known - 1) + " messages of " + std::string(topic) +
             " were lost on the way here: this consumer is too slow";
  if (const auto back = remark_on_step_back(topic, header, known)) remark = back;
  known = header.sequence;
  return remark;
}

std::optional<std::string> TailWatch::remark_on_step_back(std::string_view topic,
                                                          const proto::MessageHeader& header,
                                                          std::uint64_t known) {
  const bool is_live = (header.flags & proto::MessageHeader::replay) == 0;
  if (!is_live || known == 0 || header.sequence > known) return std::nullopt;
  if (!std::has_single_bit(++steps_back_)) return std::nullopt;
  return "message " + std::to_string(header.sequence) + " of " + std::string(topic) +
         " came after " + std::to_string(known) +
         ": does it come in two ways, such as from an endpoint that is given twice?" +
         times(steps_back_);
}

std::optional<std::string> TailWatch::on_unreadable(std::string_view topic) {
  if (!std::has_single_bit(++unreadable_)) return std::nullopt;
  return "a message of " + std::string(topic) + " has no header I can read" + times(unreadable_);
}

std::optional<std::string> TailWatch::on_status(std::string_view payload, TimePoint now) {
  const auto json = Json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return std::nullopt;
  const auto event = text_of(json, "event");
  if (event == "heartbeat") note_heartbeat(now);
  state_ = text_of(json, "state");
  if (event == "shutdown") {
    state_.clear();
    last_heartbeat_.reset();
  }
  auto remark = remark_on(event, json);
  if (remark && was_just_told(*remark, now)) remark.reset();
  return remark;
}

void TailWatch::note_heartbeat(TimePoint now) {
  if (last_heartbeat_) heartbeat_interval_ = now - *last_heartbeat_;
  last_heartbeat_ = now;
}

bool TailWatch::was_just_told(const std::string& remark, TimePoint now) {
  while (!told_.empty() && told_.front().first + kSameEvent < now) told_.pop_front();
  const auto is_same = [&](const auto& told) { return told.second == remark; };
  if (std::ranges::any_of(told_, is_same)) return true;
  told_.emplace_back(now, remark);
  return false;
}

bool TailWatch::misses_heartbeats(TimePoint now) const {
  return last_heartbeat_ && now - *last_heartbeat_ > kPatience &&
         now - *last_heartbeat_ > 2 * heartbeat_interval_;
}

std::string TailWatch::explain_silence(std::string_view endpoints, std::string_view topics,
                                       TimePoint now) const {
  if (misses_heartbeats(now))
    return "heartbeats have stopped: the bridge ended, or the way to it broke";
  if (state_.empty())
    return "nothing comes from " + std::string(endpoints) +
           ", not even heartbeats: does the bridge run, and does it publish there? Is it reachable "
           "from here? " +
           (own_key_.empty()
                ? "Does the endpoint have CURVE? Then give --curve-server-key"
                : "Is --curve-server-key this bridge's, and does it admit the client key " +
                      own_key_ + "? If not, its log says refused");
  if (state_ != "live")
    return "the bridge runs, but it is not connected to the exchange (state " + state_ +
           "): its log says why";
  return "the bridge is live, but nothing comes on " + std::string(topics) +
         ": is it spelled exactly and among upstream.streams? account.* comes on the private "
         "endpoint alone; a topic may end in publish.topic_terminator; a market may be quiet";
}

}  // namespace bpx::bridge::cli
