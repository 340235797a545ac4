#pragma once

#include "bridge/publish/crowd.hpp"
#include "bridge/publish/refusals.hpp"

#include <zmq.hpp>

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace bpx::bridge {

/// Tells a Crowd who comes to a bound ZeroMQ socket and who goes, by the events that libzmq reports
/// of it. Where the socket has CURVE, it also notes those who were turned away before they could
/// show a key. Used by one thread, which need not be the socket's.
class PeerMonitor {
 public:
  /// `name`: unique in `context`, which has one I/O thread. `refusals`: where the socket has CURVE,
  /// else null. Construct before `watched` is bound, destroy before it is closed.
  PeerMonitor(zmq::context_t& context, zmq::socket_t& watched, const std::string& name,
              Crowd& crowd, Refusals* refusals);
  ~PeerMonitor();
  PeerMonitor(const PeerMonitor&) = delete;
  PeerMonitor& operator=(const PeerMonitor&) = delete;

  /// Readable while something has happened.
  zmq::socket_t& events() { return events_; }

  /// Takes in what has happened since the last call.
  void take_in();

  /// Sees to what libzmq tells nothing of. To be called each second.
  void look_around();

 private:
  struct Event {
    std::uint16_t kind = 0;
    std::int32_t value = 0;  ///< a file descriptor, or why a handshake failed
  };

  std::optional<Event> next_event();
  void on_arrived(std::int32_t descriptor);
  void on_handshake();
  void give_up_on_the_silent();
  void on_disconnected(std::int32_t descriptor);
  void learn_addresses(const std::vector<std::int32_t>& arrived);

  zmq::socket_t& watched_;
  zmq::socket_t events_;
  Crowd& crowd_;
  Refusals* refusals_;
  /// File descriptor, by which the events speak of a peer → its address, empty where unknown.
  std::map<std::int32_t, std::string> connections_;
  struct Newcomer {
    std::int32_t descriptor;
    std::int64_t since_ns;
  };
  /// Those who came last, oldest first, of whom it is not known yet whether they speak ZMTP.
  std::deque<Newcomer> newcomers_;
  std::optional<std::int32_t> failure_;  ///< a handshake's, whose connection is about to go
};

}  // namespace bpx::bridge
