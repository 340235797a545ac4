// What the exchange tells about itself.
#include "tests/exchange/venue.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace bpx::exchange {

std::string Venue::state_json() const {
  const Counters counters = ledger_.counters();
  const Ledger::Newest newest = ledger_.newest();
  nlohmann::ordered_json state{
      {"connections", counters.connections},
      {"open_connections", counters.open_connections},
      {"subscriptions", newest.subscriptions},
      {"deflate", newest.deflate},
      {"client_close_code", ledger_.client_close_code()},
      {"counters",
       {{"failed_handshakes", counters.failed_handshakes},
        {"requests", counters.requests},
        {"frames_sent", counters.frames_sent},
        {"bytes_sent", counters.bytes_sent},
        {"pings_sent", counters.pings_sent},
        {"pings_received", counters.pings_received},
        {"pongs_received", counters.pongs_received},
        {"pong_timeouts", counters.pong_timeouts},
        {"slow_clients", counters.slow_clients}}},
      {"faults",
       {{"refuses_connections", listener_.refuses()},
        {"rejects_signatures", desk_.rejects_signatures()},
        {"clock_shift_ms", clock_.shift_us() / 1000},
        {"certificate", credentials_ ? to_string(credentials_->presented()) : "none"}}}};
  if (player_) {
    const double rate = player_->rate();
    state["rate"] = std::isinf(rate) ? nlohmann::json("max") : nlohmann::json(rate);
  }
  return state.dump();
}

}  // namespace bpx::exchange
