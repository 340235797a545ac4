#pragma once

#include "bridge/host_addresses.hpp"
#include "bridge/look_up_patience.hpp"
#include "bridge/publish/nats_patience.hpp"

#include <cstdint>
#include <future>
#include <map>
#include <string>

namespace bpx::bridge {

/// Looks up names for who has only so much patience. The system's look-up cannot be interrupted:
/// one that takes longer goes on, on a thread of its own, and whoever asks for the same again waits
/// for that one, unless it has been over for long, or has taken so long that it may never end. So a
/// silent name server costs few threads for each name. Used by one thread.
class NatsLookUp {
 public:
  explicit NatsLookUp(LookUpPatience patience = LookUpPatience()) : patience_(patience) {}

  HostAddresses find(const std::string& host, std::uint16_t port, const NatsPatience& patience);

 private:
  struct Found {
    HostAddresses addresses;
    NatsPatience::Clock::time_point at;
  };
  struct UnderWay {
    std::future<Found> found;
    LookUpPatience until_lost;
  };
  static std::future<Found> begin(const std::string& host, std::uint16_t port);

  LookUpPatience patience_;  ///< with each
  std::map<std::string, UnderWay> under_way_;
};

}  // namespace bpx::bridge
