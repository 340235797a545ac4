#pragma once

#include "proto/signing_key.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace bpx::proto {

/// Text frames that a client sends to change its subscriptions. `id` comes back in answers of
/// servers that echo it. Source: the exchange's WebSocket documentation; see signing_text for
/// signatures.

/// SUBSCRIBE to public streams.
std::string subscribe_request(std::span<const std::string_view> streams, std::uint64_t id);

/// SUBSCRIBE to private streams, signed with `key`. `timestamp_ms` is the Unix time now: the
/// exchange refuses it once `window_ms` (at most 60000) have passed, so build the frame when it is
/// sent.
std::string signed_subscribe_request(std::span<const std::string_view> streams, std::uint64_t id,
                                     const SigningKey& key, std::int64_t timestamp_ms,
                                     std::uint32_t window_ms);

/// UNSUBSCRIBE, never signed.
std::string unsubscribe_request(std::span<const std::string_view> streams, std::uint64_t id);

/// What is signed: `instruction=subscribe&timestamp=<Unix ms>&window=<ms>`.
std::string signing_text(std::int64_t timestamp_ms, std::uint32_t window_ms);

}  // namespace bpx::proto
