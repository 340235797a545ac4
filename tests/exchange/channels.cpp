#include "tests/exchange/channels.hpp"

#include <algorithm>

namespace bpx::exchange {
namespace {

const std::vector<Connection*>& nobody() {
  static const std::vector<Connection*> none;
  return none;
}

}  // namespace

void Channels::subscribe(Connection& connection, const std::string& stream) {
  auto& subscribers = channels_[stream].subscribers;
  if (std::find(subscribers.begin(), subscribers.end(), &connection) != subscribers.end()) return;
  subscribers.push_back(&connection);
  ++subscriptions_;
}

void Channels::unsubscribe(Connection& connection, const std::string& stream) {
  const auto channel = channels_.find(stream);
  if (channel != channels_.end()) {
    subscriptions_ -= std::erase(channel->second.subscribers, &connection);
  }
}

void Channels::leave(Connection& connection) {
  for (auto& [stream, channel] : channels_) {
    subscriptions_ -= std::erase(channel.subscribers, &connection);
  }
}

const std::vector<Connection*>& Channels::route(const SharedMessage& message) {
  auto& channel = channels_[message->stream];
  if (is_skipped(channel, message->stream)) return nobody();
  channel.last = message;
  last_ = message;
  return channel.subscribers;
}

bool Channels::is_skipped(Channel& channel, const std::string& stream) {
  if (channel.is_mute) return true;
  if (channel.to_skip > 0) {
    --channel.to_skip;
    return true;
  }
  const bool sequenced = stream.starts_with("depth.") || stream.starts_with("trade.");
  if (sequenced_to_skip_ > 0 && sequenced) {
    --sequenced_to_skip_;
    return true;
  }
  return false;
}

void Channels::skip(const std::string& stream, std::size_t count) {
  (stream.empty() ? sequenced_to_skip_ : channels_[stream].to_skip) += count;
}

void Channels::skip_nothing() {
  sequenced_to_skip_ = 0;
  for (auto& [stream, channel] : channels_) {
    channel.to_skip = 0;
    channel.is_mute = false;
  }
}

SharedMessage Channels::last(const std::string& stream) const {
  if (stream.empty()) return last_;
  const auto channel = channels_.find(stream);
  return channel == channels_.end() ? nullptr : channel->second.last;
}

bool Channels::has(Connection& connection, const std::string& stream) const {
  const auto& subscribed = subscribers(stream);
  return std::find(subscribed.begin(), subscribed.end(), &connection) != subscribed.end();
}

std::size_t Channels::subscriptions_of(Connection& connection) const {
  return static_cast<std::size_t>(
      std::count_if(channels_.begin(), channels_.end(),
                    [&](const auto& channel) { return has(connection, channel.first); }));
}

const std::vector<Connection*>& Channels::subscribers(const std::string& stream) const {
  const auto channel = channels_.find(stream);
  return channel == channels_.end() ? nobody() : channel->second.subscribers;
}

}  // namespace bpx::exchange
