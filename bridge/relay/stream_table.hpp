#pragma once

#include "bridge/publish/publisher.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// What the relay remembers of one stream.
struct Stream {
  std::string topic;  ///< first frame: the name and the terminator
  Audience audience = Audience::everyone;
  std::uint64_t sequence = 0;         ///< of the last message published
  std::uint32_t last_connection = 0;  ///< on which the last message came; 0 before the first
  std::int64_t last_received_ns = 0;  ///< Unix ns; 0 before the first

  std::string_view name() const { return std::string_view(topic).substr(0, name_bytes); }
  std::size_t name_bytes = 0;
};

/// The streams that the bridge knows: those it was told to request, and those that the exchange
/// sent on top. One thread. References stay valid for the table's life.
class StreamTable {
 public:
  /// How many streams the exchange may add by sending what nobody requested. New stream types
  /// appear without notice, so these are carried; a bound keeps a confused exchange from eating the
  /// memory.
  static constexpr std::size_t kMaxUnrequested = 10'000;

  StreamTable(const std::vector<std::string>& requested, std::string terminator);

  /// The stream called `name`, which is added where it is new. nullptr where the name is none
  /// (StreamName::fault_of) or the bound is reached.
  Stream* find_or_add(std::string_view name);

  const std::deque<Stream>& streams() const { return streams_; }

 private:
  Stream& add(std::string_view name);

  std::string terminator_;
  std::deque<Stream>
      streams_;  // a deque: its elements never move, the map's keys are views of them
  boost::unordered_flat_map<std::string_view, Stream*> by_name_;
  std::size_t bound_;
};

}  // namespace bpx::bridge
