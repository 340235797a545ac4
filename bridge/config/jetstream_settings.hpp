#pragma once

#include "bridge/config/config.hpp"
#include "bridge/config/endpoint.hpp"
#include "bridge/config/problem.hpp"

#include <optional>
#include <string_view>

namespace bpx::bridge {

/// A NATS server: `tls://HOST:PORT` or `nats://HOST:PORT`, taken apart.
struct NatsUrl {
  bool is_tls = false;
  HostAndPort address;
};

/// nullopt for anything else, and for user names and passwords: those are in the credentials file.
std::optional<NatsUrl> parse_nats_url(std::string_view text);

/// Notes what is wrong with `publish.jetstream`. Looks at the files that it names, too.
void validate_jetstream(const Config& config, Problems& problems);

}  // namespace bpx::bridge
