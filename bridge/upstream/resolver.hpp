#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace bpx::bridge {

struct Resolved {
  std::vector<boost::asio::ip::tcp::endpoint>
      endpoints;      ///< in the system's order, none on failure
  std::string error;  ///< why, where there are none
};

/// Looks one host (a name or an address) up, again and again. Unlike Asio's resolver it can be
/// abandoned: cancelling the coroutine returns at once although the system's look-up, which cannot
/// be interrupted, goes on for a while on a thread of its own. So neither a deadline nor a shutdown
/// waits for a dead name server. One look-up is under way at a time: who comes meanwhile waits for
/// that one. All callers share one thread.
class Resolver {
 public:
  Resolver(std::string host, std::uint16_t port);

  boost::asio::awaitable<Resolved> resolve();

 private:
  class LookUp;

  void look_up_on_thread();

  std::string host_;
  std::uint16_t port_;
  std::shared_ptr<LookUp> look_up_;  ///< the last; shared, because either side may end first
};

}  // namespace bpx::bridge
