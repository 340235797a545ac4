#pragma once

#include "bridge/look_up_patience.hpp"

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
/// waits for a dead name server. Who comes while a look-up is under way waits for that one, unless
/// it has taken so long that it may never end. All callers share one thread.
class Resolver {
 public:
  Resolver(std::string host, std::uint16_t port, LookUpPatience patience = LookUpPatience());

  boost::asio::awaitable<Resolved> resolve();

 private:
  class LookUp;

  void look_up_on_thread();
  void begin_where_none_may_end();

  std::string host_;
  std::uint16_t port_;
  LookUpPatience patience_;
  std::shared_ptr<LookUp> look_up_;  ///< the last; shared, because either side may end first
};

}  // namespace bpx::bridge
