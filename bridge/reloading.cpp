#include "bridge/reloading.hpp"

#include "bridge/config/schema.hpp"

#include <algorithm>
#include <utility>

namespace bpx::bridge {
namespace {

std::string public_part(const std::optional<CurveKey>& key) {
  return key ? key->public_key() : std::string();
}

std::string clients(const Config::Curve& curve) {
  const bool is_any = std::ranges::find(curve.allow, kAnyClient) != curve.allow.end();
  return is_any ? "any" : std::to_string(curve.allow.size());
}

/// Of CURVE each endpoint's settings are looked at by themselves.
bool may_change(std::string_view path) {
  return path == "upstream.streams" || path == "log.level" ||
         path.find(".curve.") != std::string_view::npos;
}

}  // namespace

Reloading::Reloading(const Config& config, const CurveKeys& keys, std::string account_key,
                     ConfiguredStreams& streams, Publisher& publisher, Log& log)
    : config_(config),
      account_key_(std::move(account_key)),
      public_{Audience::everyone, "public", public_part(keys.public_)},
      private_{Audience::account, "private", public_part(keys.private_)},
      streams_(streams),
      publisher_(publisher),
      log_(log) {}

void Reloading::announce() {
  for (const auto& [endpoint, curve] : {std::pair{&public_, &config_.publish.public_.curve},
                                        std::pair{&private_, &config_.publish.private_.curve}})
    if (!endpoint->server_key.empty())
      log_.info("encrypting", {{"endpoint", endpoint->name},
                               {"server_key", endpoint->server_key},
                               {"clients", clients(*curve)}});
}

void Reloading::take(const Reading& reading) {
  if (!reading.problems.empty()) {
    for (const auto& problem : reading.problems)
      log_.error("not reloaded", {{"problem", to_line(problem)}});
    return;
  }
  for (const auto path : differing_paths(config_, reading.config))
    if (!may_change(path)) note_restart(path);
  if (!reading.account_key.empty() && reading.account_key != account_key_)
    note_restart("BACKPACK_PUBLIC_KEY");
  auto& ours = config_.publish;
  const auto& theirs = reading.config.publish;
  take(public_, ours.public_.curve, theirs.public_.curve, reading.curve_keys.public_);
  take(private_, ours.private_.curve, theirs.private_.curve, reading.curve_keys.private_);
  streams_.become(reading.config.upstream.streams);
  config_.upstream.streams = reading.config.upstream.streams;
  take_log_level(reading.config.log.level);
  log_.info("reloaded");
}

void Reloading::take_log_level(const std::string& level) {
  if (level == config_.log.level) return;
  config_.log.level = level;
  log_.set_level(Log::level_of(level));
  log_.info("log level changed", {{"level", level}});
}

// libzmq copies the key into a listener when it is bound, and unbinding takes its consumers along.
// They know the server by the old key anyway: another is not to be had without them.
void Reloading::take(const Endpoint& endpoint, Config::Curve& in_force, const Config::Curve& now,
                     const std::optional<CurveKey>& key) {
  const auto path = "publish." + endpoint.name + ".curve.";
  if (public_part(key) != endpoint.server_key) note_restart(path + "secret_key_file");
  const bool has_curve = !endpoint.server_key.empty() && key;
  if (!has_curve || now.allow == in_force.allow) return;
  in_force.allow = now.allow;
  publisher_.admit(endpoint.audience, Admission(now.allow));
  log_.info("admitting", {{"endpoint", endpoint.name}, {"clients", clients(now)}});
}

void Reloading::note_restart(std::string_view key) { log_.warn("needs a restart", {{"key", key}}); }

}  // namespace bpx::bridge
