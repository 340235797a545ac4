#include "bridge/publish/nats_look_up.hpp"

#include <system_error>
#include <thread>
#include <utility>

namespace bpx::bridge {
namespace {

std::future<HostAddresses> begin(const std::string& host, std::uint16_t port) {
  std::promise<HostAddresses> promise;
  auto found = promise.get_future();
  std::thread([promise = std::move(promise), host, port]() mutable {
    promise.set_value(look_up_host(host, port));
  }).detach();
  return found;
}

}  // namespace

HostAddresses NatsLookUp::find(const std::string& host, std::uint16_t port,
                               const NatsPatience& patience) {
  auto& found = under_way_[host + ' ' + std::to_string(port)];
  try {
    if (!found.valid()) found = begin(host, port);
  } catch (const std::system_error& error) {
    return {.addresses = {}, .error = std::string("no thread to look it up: ") + error.what()};
  }
  while (!patience.has_ended())
    if (found.wait_for(patience.slice()) == std::future_status::ready) return found.get();
  return {.addresses = {}, .error = "no name server answers"};
}

}  // namespace bpx::bridge
