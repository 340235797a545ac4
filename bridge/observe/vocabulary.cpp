#include "bridge/observe/vocabulary.hpp"

namespace bpx::bridge {

ExchangeError exchange_error(std::int64_t code) {
  switch (code) {
    case 4003: return ExchangeError::invalid_signature;
    case 4006: return ExchangeError::invalid_stream;
    default: return ExchangeError::other;
  }
}

std::string_view to_string(LinkState state) {
  switch (state) {
    case LinkState::connecting: return "connecting";
    case LinkState::live: return "live";
    case LinkState::down: break;
  }
  return "down";
}

std::string_view to_string(ConnectResult result) {
  switch (result) {
    case ConnectResult::ok: return "ok";
    case ConnectResult::dns: return "dns";
    case ConnectResult::tcp: return "tcp";
    case ConnectResult::proxy: return "proxy";
    case ConnectResult::tls: return "tls";
    case ConnectResult::handshake: return "handshake";
    case ConnectResult::timeout: break;
  }
  return "timeout";
}

std::string_view to_string(DisconnectReason reason) {
  switch (reason) {
    case DisconnectReason::closed: return "closed";
    case DisconnectReason::idle: return "idle";
    case DisconnectReason::mute: return "mute";
    case DisconnectReason::reset: return "reset";
    case DisconnectReason::oversized: return "oversized";
    case DisconnectReason::protocol: return "protocol";
    case DisconnectReason::local: break;
  }
  return "local";
}

std::string_view to_string(RequestMethod method) {
  return method == RequestMethod::subscribe ? "SUBSCRIBE" : "UNSUBSCRIBE";
}

std::string_view to_string(StreamState state) {
  switch (state) {
    case StreamState::waiting: return "waiting";
    case StreamState::requested: return "requested";
    case StreamState::live: return "live";
    case StreamState::rejected: break;
  }
  return "rejected";
}

std::string_view to_string(ExchangeError error) {
  switch (error) {
    case ExchangeError::invalid_signature: return "4003";
    case ExchangeError::invalid_stream: return "4006";
    case ExchangeError::other: break;
  }
  return "other";
}

std::string_view to_string(ReplayResult result) {
  switch (result) {
    case ReplayResult::served: return "served";
    case ReplayResult::unknown: return "unknown";
    case ReplayResult::malformed: return "malformed";
    case ReplayResult::limited: break;
  }
  return "limited";
}

std::string_view to_string(ConsumerRequest request) {
  switch (request) {
    case ConsumerRequest::subscribe: return "subscribe";
    case ConsumerRequest::unsubscribe: return "unsubscribe";
    case ConsumerRequest::other: break;
  }
  return "other";
}

std::string_view to_string(TurnedAway reason) {
  return reason == TurnedAway::crowded ? "crowded" : "subscriptions";
}

std::string_view to_string(HttpRefusal reason) {
  switch (reason) {
    case HttpRefusal::crowded: return "crowded";
    case HttpRefusal::slow: return "slow";
    case HttpRefusal::too_large: return "too_large";
    case HttpRefusal::malformed: break;
  }
  return "malformed";
}

std::string_view to_string(BookState state) {
  switch (state) {
    case BookState::none: return "none";
    case BookState::syncing: return "syncing";
    case BookState::in_sync: break;
  }
  return "in_sync";
}

std::string_view to_string(BookLoss loss) {
  switch (loss) {
    case BookLoss::disconnected: return "disconnected";
    case BookLoss::unsubscribed: return "unsubscribed";
    case BookLoss::gap: return "gap";
    case BookLoss::malformed: return "malformed";
    case BookLoss::too_many_levels: return "too_many_levels";
    case BookLoss::too_many_changes: return "too_many_changes";
    case BookLoss::ids_began_anew: break;
  }
  return "ids_began_anew";
}

}  // namespace bpx::bridge
