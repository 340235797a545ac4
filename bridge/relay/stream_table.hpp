#pragma once

#include "bridge/observe/measurements.hpp"
#include "bridge/relay/demand.hpp"
#include "bridge/relay/history.hpp"
#include "bridge/relay/stream.hpp"
#include "bridge/relay/stream_index.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// The streams that the bridge knows: those it was told to request, and those that the exchange
/// sent on top. One thread. References stay valid for the table's life.
class StreamTable {
 public:
  /// How many streams the exchange may add by sending what nobody requested. New stream types
  /// appear without notice, so these are carried; a bound keeps a confused exchange from eating the
  /// memory.
  static constexpr std::size_t kMaxUnrequested = 10'000;
  /// And how many more where somebody wants them, so that such an exchange takes no places from
  /// consumers: as many as they may want at once.
  static constexpr std::size_t kMaxWanted = Demand::kMaxStreams;

  /// `is_wanted`: whether a stream that was not requested at first is to be had; empty: none is.
  StreamTable(const std::vector<std::string>& requested, std::string terminator,
              Measurements& measurements, History& history,
              std::function<bool(std::string_view)> is_wanted = {});

  /// The stream called `name`, which is added where it is new. nullptr where fault_of() says why
  /// not.
  Stream* find_or_add(std::string_view name);

  /// The stream called `name`, which is requested, so that it has a place in any case, and is
  /// measured as the measurements now say. It must be one of which fault_of() says nothing.
  Stream& add_requested(std::string_view name);

  /// Why a new stream called `name` cannot be carried, in words for a person: it is no name, it
  /// would reach those who subscribe to another with the terminator behind it, or there are too
  /// many already.
  std::optional<std::string_view> fault_of(std::string_view name) const;

  /// nullptr where no stream is called `name`.
  Stream* find(std::string_view name);

  /// The stream that is most likely called `name`; see StreamIndex.
  Stream* foresee(std::string_view name) const { return by_name_.foresee(name); }

  /// The stream whose topic is exactly `topic`, terminator included; nullptr where there is none.
  Stream* find_topic(std::string_view topic);

  /// A stream that a subscription to `stream`'s topic brings too, since ZeroMQ matches by prefix;
  /// nullptr where there is none.
  const Stream* find_caught_with(const Stream& stream) const;

  const std::deque<Stream>& streams() const { return streams_; }

 private:
  Stream& add(std::string_view name);

  std::string terminator_;
  Measurements& measurements_;
  History& history_;
  std::deque<Stream>
      streams_;  // a deque: its elements never move, the maps' keys are views of them
  StreamIndex by_name_;
  std::map<std::string_view, const Stream*>
      by_topic_;  ///< in order: a prefix's matches lie together
  std::function<bool(std::string_view)> is_wanted_;
  std::size_t bound_;
};

}  // namespace bpx::bridge
