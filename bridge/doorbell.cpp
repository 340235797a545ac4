#include "bridge/doorbell.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace bpx::bridge {

namespace asio = boost::asio;

Doorbell::Doorbell(const asio::any_io_executor& executor, const std::vector<int>& descriptors)
    : timer_(executor) {
  for (const int descriptor : descriptors)
    bells_.push_back({asio::posix::stream_descriptor(executor, descriptor)});
}

asio::awaitable<void> Doorbell::wait(std::chrono::milliseconds longest) {
  is_disturbed_ = true;
  for (auto& bell : bells_) listen(bell);
  timer_.expires_after(longest);
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  is_disturbed_ = false;
}

asio::awaitable<void> Doorbell::wait_undisturbed(std::chrono::milliseconds duration) {
  timer_.expires_after(duration);
  co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
}

void Doorbell::close() {
  for (auto& bell : bells_) bell.descriptor.release();
  bells_.clear();
  timer_.cancel();
}

/// What can be read already rings at once.
void Doorbell::listen(Bell& bell) {
  if (std::exchange(bell.is_awaited, true)) return;
  bell.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this, &bell](const boost::system::error_code& released) {
                               if (released) return;  // and the bell is gone
                               bell.is_awaited = false;
                               if (is_disturbed_) timer_.cancel();
                             });
}

}  // namespace bpx::bridge
