#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/publish/peer_monitor.hpp"
#include "bridge/publish/zap_authenticator.hpp"

#include <zmq.hpp>

#include <thread>
#include <vector>

namespace bpx::bridge {

/// Watches who comes to the sockets, and says who may come in. On a thread of its own: libzmq holds
/// a handshake up until the answer is there, a refused peer's address can be had only while its
/// connection stands, and a crowd at the door is not to keep messages waiting.
class Doorkeeper {
 public:
  /// From now on `watched` and `authenticator`, which may be null, are used by the thread alone.
  Doorkeeper(zmq::context_t& context, std::vector<PeerMonitor*> watched,
             ZapAuthenticator* authenticator, Log& log);
  ~Doorkeeper();
  Doorkeeper(const Doorkeeper&) = delete;
  Doorkeeper& operator=(const Doorkeeper&) = delete;

 private:
  void run();
  void keep_door();

  std::vector<PeerMonitor*> watched_;
  ZapAuthenticator* authenticator_;
  Log& log_;
  zmq::socket_t stop_;     ///< the owner's end: what is sent here ends the thread
  zmq::socket_t stopped_;  ///< the thread's end
  std::thread thread_;
};

}  // namespace bpx::bridge
