#pragma once

#include "bridge/observe/measurements.hpp"
#include "bridge/publish/publisher.hpp"
#include "bridge/relay/continuity.hpp"
#include "bridge/relay/history.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace bpx::bridge {

class Book;

/// What the relay remembers of one stream.
struct Stream {
  Stream(std::string_view name, std::string_view terminator, StreamMeasurements& measured,
         History& kept);

  std::string topic;  ///< first frame: the name and the terminator
  std::size_t name_bytes = 0;
  Audience audience = Audience::everyone;
  std::uint64_t sequence = 0;         ///< of the last message published
  std::uint32_t last_connection = 0;  ///< on which the last message came; 0 before the first
  Continuity continuity;
  StreamMeasurements* measurements;  ///< never null
  StreamHistory history;
  Book* book = nullptr;  ///< kept of this depth stream; null where none is

  /// From now on it is measured by `measured`, which is told how far the topic has come.
  void measure_by(StreamMeasurements& measured);

  /// A message of it follows: has the processor fetch what that touches beyond this object.
  void expect() const {
    __builtin_prefetch(topic.data());
    history.expect();
  }

  std::string_view name() const { return std::string_view(topic).substr(0, name_bytes); }
};

}  // namespace bpx::bridge
