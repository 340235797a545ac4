#pragma once

#include "bridge/publish/nats_server.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace bpx::bridge {

/// What the stream of JetStream is to be like.
struct JetStreamStream {
  std::string name;
  std::string subject_prefix;  ///< `backpack.`; the stream's subjects are `backpack.>`
  std::uint64_t replicas = 1;
  std::chrono::seconds max_age{};
  std::uint64_t max_bytes = 0;
};

struct FoundStream {
  bool is_new = false;
  std::vector<std::string> differences;  ///< `replicas 1, configured 3`
};

/// Creates the stream where there is none; one that is there stays as it is. On a connection of its
/// own, which has ended when this returns: after kNatsPatience for each step at the latest.
std::variant<FoundStream, NatsFault> find_or_create(const NatsServer& server,
                                                    const NatsAccess& access,
                                                    const JetStreamStream& stream);

/// Frees what the library keeps for the calling thread, which is not to ask for streams again.
void release_nats_thread();

}  // namespace bpx::bridge
