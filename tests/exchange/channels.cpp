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
  for (auto& [stream, channel] : channels_) channel.to_skip = 0;
}

SharedMessage Channels::last(const std::string& stream) const {
  if (stream.empty()) return last_;
  const auto channel = channels_.find(stream);
  return channel == channels_.end() ? nullptr : channel->second.last;
}

const std::vector<Connection*>& Channels::subscribers(const std::string& stream) const {
  const auto channel = channels_.find(stream);
  return channel == channels_.end() ? nobody() : channel->second.subscribers;
}

}  // namespace bpx::exchange
