#pragma once

#include "bridge/host_addresses.hpp"
#include "bridge/publish/nats_patience.hpp"

#include <cstdint>
#include <future>
#include <map>
#include <string>

namespace bpx::bridge {

/// Looks up names for who has only so much patience. The system's look-up cannot be interrupted:
/// one that takes longer goes on, on a thread of its own, and whoever asks for the same again waits
/// for that one, unless it has been over for long. So a silent name server costs one thread for
/// each name. Used by one thread.
class NatsLookUp {
 public:
  HostAddresses find(const std::string& host, std::uint16_t port, const NatsPatience& patience);

 private:
  struct Found {
    HostAddresses addresses;
    NatsPatience::Clock::time_point at;
  };
  static std::future<Found> begin(const std::string& host, std::uint16_t port);

  std::map<std::string, std::future<Found>> under_way_;
};

}  // namespace bpx::bridge
