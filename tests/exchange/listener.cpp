#include "tests/exchange/listener.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <system_error>
#include <utility>

namespace bpx::exchange {
namespace asio = boost::asio;
using asio::ip::tcp;

Listener::Listener(asio::io_context& loop, const std::string& address, std::uint16_t port,
                   OnAccept on_accept)
    : acceptor_(loop), opening_(loop), on_accept_(std::move(on_accept)) {
  try {
    endpoint_ = {asio::ip::make_address(address), port};
    open();
    listen();
  } catch (const boost::system::system_error& error) {
    throw std::system_error(error.code(),
                            "cannot listen on " + address + ":" + std::to_string(port));
  }
  asio::co_spawn(loop, accept(), asio::detached);
}

/// Binds without listening: the port stays ours, and connecting to it is refused.
void Listener::open() {
  acceptor_.open(endpoint_.protocol());
  acceptor_.set_option(tcp::acceptor::reuse_address(true));
  acceptor_.bind(endpoint_);
  endpoint_ = acceptor_.local_endpoint();
}

void Listener::refuse(Clock::time_point until) {
  if (stopped_) return;
  refuses_until_ = until;
  listening_ = false;
  acceptor_.close();
  open();
  opening_.cancel();
}

void Listener::accept_again() {
  if (!refuses()) return;
  refuses_until_ = Clock::time_point::min();
  listen();
  opening_.cancel();
}

void Listener::listen() {
  if (!std::exchange(listening_, true)) acceptor_.listen();
}

void Listener::stop() {
  stopped_ = true;
  acceptor_.close();
  opening_.cancel();
}

asio::awaitable<void> Listener::accept() {
  constexpr auto kResult = asio::as_tuple(asio::use_awaitable);
  while (!stopped_) {
    if (refuses()) {
      opening_.expires_at(refuses_until_);
      co_await opening_.async_wait(kResult);
      continue;
    }
    listen();
    auto [error, socket] = co_await acceptor_.async_accept(kResult);
    if (error == boost::system::errc::too_many_files_open) {
      opening_.expires_after(std::chrono::milliseconds(100));
      co_await opening_.async_wait(kResult);
    }
    if (error) continue;
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    on_accept_(std::move(socket));
  }
}

}  // namespace bpx::exchange
