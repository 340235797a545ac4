#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/publish/ipc_path.hpp"
#include "bridge/publish/peer_monitor.hpp"
#include "bridge/publish/queues.hpp"
#include "bridge/publish/zap_authenticator.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <thread>
#include <vector>

namespace bpx::bridge {

/// Watches who comes to the sockets, and says who may come in; and whether the door is still there.
/// On a thread of its own: libzmq holds a handshake up until the answer is there, a refused peer's
/// address can be had only while its connection stands, and a crowd at the door is not to keep
/// messages waiting.
class Doorkeeper {
 public:
  /// From now on `watched` and `authenticator`, which may be null, are used by the thread alone.
  Doorkeeper(zmq::context_t& context, std::vector<PeerMonitor*> watched,
             ZapAuthenticator* authenticator, const Queues& queues,
             std::vector<SocketFile> socket_files, Log& log);
  ~Doorkeeper();
  Doorkeeper(const Doorkeeper&) = delete;
  Doorkeeper& operator=(const Doorkeeper&) = delete;

  /// Much waits for consumers: looks at once. For the thread that constructed it.
  void hurry();

 private:
  enum class Word : std::uint8_t { stop, hurry };

  void run();
  void keep_door();
  bool is_told_to_stop();
  void look_around();
  void say(Word word);

  std::vector<PeerMonitor*> watched_;
  ZapAuthenticator* authenticator_;
  std::vector<Crowd*> crowds_;  ///< of those watched
  Queues queues_;
  std::vector<SocketFile> socket_files_;  ///< by which consumers find the sockets
  Log& log_;
  zmq::socket_t owners_end_;
  zmq::socket_t threads_end_;
  std::thread thread_;
};

}  // namespace bpx::bridge
