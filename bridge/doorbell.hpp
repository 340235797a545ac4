#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <list>
#include <vector>

namespace bpx::bridge {

/// A wait that ends early where somebody is at the door: one of some descriptors can be read.
/// Whoever waited is to read until nothing is left. One thread, that of the executor.
class Doorbell {
 public:
  /// The descriptors stay their owner's, who keeps them open until close().
  Doorbell(const boost::asio::any_io_executor& executor, const std::vector<int>& descriptors);
  ~Doorbell() { close(); }
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;

  /// Returns after `longest`, if not earlier. One at a time.
  boost::asio::awaitable<void> wait(std::chrono::milliseconds longest);

  /// Likewise, but never earlier, whoever rings: for those who must not be hurried.
  boost::asio::awaitable<void> wait_undisturbed(std::chrono::milliseconds duration);

  /// Ends the wait, and lets go of the descriptors.
  void close();

 private:
  struct Bell {
    boost::asio::posix::stream_descriptor descriptor;
    bool is_awaited = false;
  };

  void listen(Bell& bell);

  boost::asio::steady_timer timer_;
  std::list<Bell> bells_;
  bool is_disturbed_ = false;  ///< the wait, by whoever rings
};

}  // namespace bpx::bridge
