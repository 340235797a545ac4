#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/curve_settings.hpp"
#include "bridge/config/problem.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/publish/publisher.hpp"
#include "bridge/upstream/configured_streams.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// The configuration as its sources say it at some moment.
struct Reading {
  Config config;
  CurveKeys curve_keys;
  std::string account_key;  ///< the public one; empty where none is to be found
  Problems problems;        ///< where there are any, the rest is of no use
};

/// What of the configuration may change while the bridge runs: the streams, who is admitted, what
/// is logged. Used by the relaying thread.
class Reloading {
 public:
  /// What is in force from the start. `account_key`: the public one; empty where there is none.
  Reloading(const Config& config, const CurveKeys& keys, std::string account_key,
            ConfiguredStreams& streams, Publisher& publisher, Log& log);

  /// Logs the public key of each endpoint that has CURVE, and how many clients it admits.
  void announce();

  /// Puts what may change in force and logs what would need a restart. A faulty reading changes
  /// nothing.
  void take(const Reading& reading);

 private:
  /// Of one audience.
  struct Endpoint {
    Audience audience;
    std::string name;        ///< public or private
    std::string server_key;  ///< public; empty without CURVE
  };

  void take(const Endpoint& endpoint, Config::Curve& in_force, const Config::Curve& now,
            const std::optional<CurveKey>& key);
  void take_log_level(const std::string& level);
  void note_restart(std::string_view key);

  Config config_;
  std::string account_key_;
  Endpoint public_;
  Endpoint private_;
  ConfiguredStreams& streams_;
  Publisher& publisher_;
  Log& log_;
};

}  // namespace bpx::bridge
