#include "bridge/upstream/resolver.hpp"

#include "bridge/host_addresses.hpp"
#include "bridge/thread_name.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

Resolved look_up(const std::string& host, std::uint16_t port) {
  auto found = look_up_host(host, port);
  Resolved resolved{.endpoints = {}, .error = std::move(found.error)};
  for (const auto& address : found.addresses) {
    tcp::endpoint endpoint;
    endpoint.resize(address.size);
    std::memcpy(endpoint.data(), &address.storage, address.size);
    resolved.endpoints.push_back(endpoint);
  }
  return resolved;
}

}  // namespace

/// What the coroutines that wait and the thread that looks up have in common. With a mutex, because
/// the thread must not touch a waiter or its executor once the coroutine is gone.
class Resolver::LookUp {
 public:
  /// nullopt while it is under way.
  std::optional<Resolved> result() {
    const std::lock_guard lock(mutex_);
    return result_;
  }

  void add(asio::steady_timer& waiter) {
    const std::lock_guard lock(mutex_);
    waiting_.insert(&waiter);
  }

  void remove(asio::steady_timer& waiter) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(&waiter);
  }

  /// Wakes those who wait, on their thread, where `self` stands for this.
  void end(Resolved result, const std::shared_ptr<LookUp>& self) {
    const std::lock_guard lock(mutex_);
    result_ = std::move(result);
    if (waiting_.empty()) return;
    asio::post((*waiting_.begin())->get_executor(), [self] { self->wake_all(); });
  }

 private:
  void wake_all() {
    const std::lock_guard lock(mutex_);
    for (auto* const waiter : waiting_) waiter->cancel();
  }

  std::mutex mutex_;
  std::set<asio::steady_timer*> waiting_;
  std::optional<Resolved> result_;
};

namespace {

/// Keeps a waiter known to a look-up for as long as its coroutine lives.
template <typename LookUp>
class Waiting {
 public:
  Waiting(LookUp& look_up, asio::steady_timer& waiter) : look_up_(look_up), waiter_(waiter) {
    look_up_.add(waiter_);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { look_up_.remove(waiter_); }

 private:
  LookUp& look_up_;
  asio::steady_timer& waiter_;
};

}  // namespace

Resolver::Resolver(std::string host, std::uint16_t port, LookUpPatience patience)
    : host_(std::move(host)), port_(port), patience_(patience) {}

void Resolver::begin_where_none_may_end() {
  const auto now = LookUpPatience::Clock::now();
  if (look_up_ == nullptr || look_up_->result()) {
    look_up_on_thread();
    patience_.begin(now);
  } else if (patience_.is_over(now)) {
    look_up_on_thread();
    patience_.begin_another(now);
  }
}

void Resolver::look_up_on_thread() {
  auto shared = std::make_shared<LookUp>();
  std::thread([shared, host = host_, port = port_] {
    name_this_thread("look-up");
    shared->end(look_up(host, port), shared);
  }).detach();
  look_up_ = std::move(shared);
}

asio::awaitable<Resolved> Resolver::resolve() {
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(host_, not_an_address);
  if (!not_an_address) co_return Resolved{.endpoints = {{address, port_}}, .error = {}};

  asio::steady_timer done(co_await asio::this_coro::executor,
                          asio::steady_timer::time_point::max());
  try {
    begin_where_none_may_end();
  } catch (const std::system_error& error) {
    if (look_up_ == nullptr || look_up_->result())
      co_return Resolved{.endpoints = {},
                         .error = std::string("no thread to look it up: ") + error.what()};
  }
  const auto look_up = look_up_;  // another may have been begun when this one is over
  const Waiting<LookUp> waiting(*look_up, done);
  if (!look_up->result()) co_await done.async_wait(asio::as_tuple(asio::use_awaitable));
  co_return look_up->result().value_or(Resolved{.endpoints = {}, .error = "given up"});
}

}  // namespace bpx::bridge
