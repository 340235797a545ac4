#pragma once

#include "bridge/publish/nats_connection.hpp"
#include "bridge/publish/nats_patience.hpp"
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

/// Creates the stream where there is none; one that is there stays as it is. On a connection on
/// which nothing else is under way. `patience` is for each question.
std::variant<FoundStream, NatsFault> find_or_create(NatsConnection& connection,
                                                    const JetStreamStream& stream,
                                                    const NatsPatience& patience);

}  // namespace bpx::bridge
