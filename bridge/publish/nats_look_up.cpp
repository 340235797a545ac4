#include "bridge/publish/nats_look_up.hpp"

#include "bridge/thread_name.hpp"

#include <system_error>
#include <thread>
#include <utility>

namespace bpx::bridge {

std::future<NatsLookUp::Found> NatsLookUp::begin(const std::string& host, std::uint16_t port) {
  std::promise<Found> promise;
  auto found = promise.get_future();
  std::thread([promise = std::move(promise), host, port]() mutable {
    name_this_thread("look-up");
    auto addresses = look_up_host(host, port);
    promise.set_value({.addresses = std::move(addresses), .at = NatsPatience::Clock::now()});
  }).detach();
  return found;
}

HostAddresses NatsLookUp::find(const std::string& host, std::uint16_t port,
                               const NatsPatience& patience) {
  constexpr std::chrono::seconds kFresh{10};
  const auto name = host + ' ' + std::to_string(port);
  const auto [entry, is_new] =
      under_way_.try_emplace(name, UnderWay{.found = {}, .until_lost = patience_});
  auto& under_way = entry->second;
  const auto is_ready = [&](std::chrono::milliseconds time) {
    return under_way.found.wait_for(time) == std::future_status::ready;
  };
  const auto now = NatsPatience::Clock::now();
  try {
    if (under_way.found.valid() && is_ready({}))
      if (auto found = under_way.found.get(); now - found.at < kFresh)
        return std::move(found.addresses);
    if (!under_way.found.valid()) {
      under_way.found = begin(host, port);
      under_way.until_lost.begin(now);
    } else if (under_way.until_lost.is_over(now)) {
      under_way.found = begin(host, port);
      under_way.until_lost.begin_another(now);
    }
  } catch (const std::system_error& error) {
    if (!under_way.found.valid())
      return {.addresses = {}, .error = std::string("no thread to look it up: ") + error.what()};
  }
  while (!patience.has_ended())
    if (is_ready(patience.slice())) return under_way.found.get().addresses;
  return {.addresses = {}, .error = "no name server has answered yet"};
}

}  // namespace bpx::bridge
