#pragma once

#include "bridge/observe/log.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/publish/publisher.hpp"
#include "bridge/relay/demand.hpp"
#include "bridge/relay/stream_table.hpp"
#include "bridge/upstream/session.hpp"
#include "bridge/upstream/subscriptions.hpp"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// The streams of the configuration, which may change while the bridge runs: the connection stays,
/// and with it every stream that is in both lists. One thread.
class ConfiguredStreams {
 public:
  /// What the streams are made known to. All must outlive this.
  struct Parts {
    const Publisher& publisher;
    StreamTable& streams;
    Subscriptions& subscriptions;
    Session& session;
    Demand& demand;
    Measurements& measurements;
    Log& log;
    bool has_key = false;  ///< the account's, without which no private stream can come
  };

  /// `streams`: those that `parts` know from the start.
  ConfiguredStreams(const std::vector<std::string>& streams, Parts parts);

  /// Has the exchange send what is new in `streams` and no longer what is missing there. A stream
  /// that would need more than that is left out and logged.
  void become(const std::vector<std::string>& streams);

 private:
  bool add(const std::string& stream);
  void remove(const std::string& stream);
  std::optional<std::string_view> obstacle_to(std::string_view stream) const;

  Parts parts_;
  std::set<std::string, std::less<>> streams_;
};

}  // namespace bpx::bridge
