#pragma once

#include "tests/exchange/envelope.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace bpx::exchange {

class Connection;

/// Who is subscribed to what, and what was said last. Routes each message to its stream's
/// subscribers, and tampers with it on the way where it was told to. One thread; knows connections
/// only as addresses.
class Channels {
 public:
  void subscribe(Connection& connection, const std::string& stream);
  void unsubscribe(Connection& connection, const std::string& stream);
  /// Forgets a connection that has ended.
  void leave(Connection& connection);

  /// To whom `message` is to be sent; valid until the next call. Nobody, where it is skipped.
  const std::vector<Connection*>& route(const SharedMessage& message);

  /// The next `count` messages of `stream` go to nobody; an empty name means any depth or trade
  /// stream.
  void skip(const std::string& stream, std::size_t count);
  /// Nothing of `stream` goes to anybody any more.
  void mute(const std::string& stream) { channels_[stream].is_mute = true; }
  void skip_nothing();

  /// The message routed last, of `stream` or, where that is empty, of all; null where there was
  /// none.
  SharedMessage last(const std::string& stream) const;
  const std::vector<Connection*>& subscribers(const std::string& stream) const;

  /// Whether the connection is subscribed to `stream`, and to how many in all.
  bool has(Connection& connection, const std::string& stream) const;
  std::size_t subscriptions_of(Connection& connection) const;
  /// Over all connections.
  std::size_t subscriptions() const { return subscriptions_; }

 private:
  struct Channel {
    std::vector<Connection*> subscribers;
    SharedMessage last;
    std::size_t to_skip = 0;
    bool is_mute = false;
  };

  bool is_skipped(Channel& channel, const std::string& stream);

  std::unordered_map<std::string, Channel> channels_;
  SharedMessage last_;
  std::size_t sequenced_to_skip_ = 0;
  std::size_t subscriptions_ = 0;
};

}  // namespace bpx::exchange
