#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/curve_settings.hpp"
#include "bridge/config/proxy.hpp"
#include "bridge/observe/http_server.hpp"
#include "bridge/publish/jetstream.hpp"
#include "bridge/publish/publisher.hpp"
#include "bridge/upstream/backoff.hpp"
#include "bridge/upstream/depth_snapshots.hpp"
#include "bridge/upstream/dialler.hpp"
#include "bridge/upstream/exchange_clock.hpp"
#include "bridge/upstream/market_list.hpp"
#include "bridge/upstream/on_demand.hpp"
#include "bridge/upstream/session.hpp"

#include <chrono>
#include <cstddef>
#include <optional>

namespace bpx::bridge {

/// What a valid configuration means to each part.

Publisher::Options publisher_options(const Config::Publish& publish, const CurveKeys& keys);
/// nullopt where no server is configured.
std::optional<JetStream::Options> jetstream_options(const Config::Publish& publish);
/// How many connections consumers may have beside what the bridge itself needs: to come back to the
/// exchange, to look up names, to answer HTTP. `open`: how many descriptors are open once all parts
/// are there. Throws StartupError where none is left.
std::size_t descriptors_for_consumers(const Config& config, std::size_t open);
/// How much of what consumers ask for may wait for them to take it, in bytes: as much as is kept.
std::size_t most_waiting(const Config::Publish& publish);
Dialler::Options dialler_options(const Config::Upstream& upstream,
                                 const ProxyEnvironment& environment);
Dialler::Options rest_dialler_options(const Config::Upstream& upstream,
                                      const ProxyEnvironment& environment);
/// `close_grace`: for the exchange to answer a Close frame.
Session::Options session_options(const Config::Upstream& upstream, Dialler& dialler,
                                 std::chrono::milliseconds close_grace);
Backoff::Options backoff_options(const Config::Upstream& upstream);
ExchangeClock::Options clock_options(const Config::Upstream& upstream, Dialler& dialler,
                                     std::function<void()> on_attempt);
MarketList::Options market_options(const Config::Upstream& upstream, Dialler& dialler);
DepthSnapshots::Options snapshot_options(const Config::Upstream& upstream, Dialler& dialler);
OnDemand::Options on_demand_options(const Config& config);
HttpServer::Options http_options(const Config::Http& http);

}  // namespace bpx::bridge
