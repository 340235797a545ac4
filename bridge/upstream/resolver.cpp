#include "bridge/upstream/resolver.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstring>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

#include <netdb.h>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

Resolved look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  Resolved resolved;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
    resolved.error = gai_strerror(error);
    return resolved;
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
    tcp::endpoint endpoint;
    if (entry->ai_addrlen > endpoint.capacity()) continue;
    endpoint.resize(entry->ai_addrlen);
    std::memcpy(endpoint.data(), entry->ai_addr, entry->ai_addrlen);
    resolved.endpoints.push_back(endpoint);
  }
  return resolved;
}

/// What the coroutine that waits and the thread that looks up have in common. Shared, because
/// either may end first; with a mutex, because the thread must not touch the waiter or its executor
/// once the coroutine is gone.
struct LookUp {
  std::mutex mutex;
  asio::steady_timer* waiter = nullptr;  ///< null once the coroutine is gone
  Resolved resolved;
};

void wake(const std::shared_ptr<LookUp>& look_up) {
  const std::lock_guard lock(look_up->mutex);
  if (look_up->waiter != nullptr) look_up->waiter->cancel();
}

void look_up_on_thread(std::shared_ptr<LookUp> shared, std::string host, std::uint16_t port) {
  std::thread([shared = std::move(shared), host = std::move(host), port] {
    auto resolved = look_up(host, port);
    const std::lock_guard lock(shared->mutex);
    if (shared->waiter == nullptr) return;
    shared->resolved = std::move(resolved);
    asio::post(shared->waiter->get_executor(), [shared] { wake(shared); });
  }).detach();
}

/// Keeps `waiter` known to the look-up for as long as the coroutine lives.
class Waiting {
 public:
  Waiting(LookUp& look_up, asio::steady_timer& waiter) : look_up_(look_up) {
    look_up_.waiter = &waiter;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    const std::lock_guard lock(look_up_.mutex);
    look_up_.waiter = nullptr;
  }

 private:
  LookUp& look_up_;
};

}  // namespace

asio::awaitable<Resolved> resolve(std::string host, std::uint16_t port) {
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return Resolved{.endpoints = {{address, port}}, .error = {}};

  asio::steady_timer done(co_await asio::this_coro::executor,
                          asio::steady_timer::time_point::max());
  const auto shared = std::make_shared<LookUp>();
  const Waiting waiting(*shared, done);
  try {
    look_up_on_thread(shared, std::move(host), port);
  } catch (const std::system_error& error) {
    co_return Resolved{.endpoints = {},
                       .error = std::string("no thread to look it up: ") + error.what()};
  }
  co_await done.async_wait(asio::as_tuple(asio::use_awaitable));
  // A wait that was cancelled may end while the thread is writing.
  Resolved resolved;
  {
    const std::lock_guard lock(shared->mutex);
    resolved = std::move(shared->resolved);
  }
  co_return resolved;
}

}  // namespace bpx::bridge
