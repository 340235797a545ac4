#include "proto/subscribe_request.hpp"

#include <nlohmann/json.hpp>

namespace bpx::proto {
namespace {

using Json = nlohmann::ordered_json;

Json request(std::string_view method, std::span<const std::string_view> streams, std::uint64_t id) {
  return {{"id", id}, {"method", method}, {"params", streams}};
}

}  // namespace

std::string subscribe_request(std::span<const std::string_view> streams, std::uint64_t id) {
  return request("SUBSCRIBE", streams, id).dump();
}

std::string signed_subscribe_request(std::span<const std::string_view> streams, std::uint64_t id,
                                     const SigningKey& key, std::int64_t timestamp_ms,
                                     std::uint32_t window_ms) {
  auto frame = request("SUBSCRIBE", streams, id);
  frame["signature"] = {key.verifying_key(), key.sign(signing_text(timestamp_ms, window_ms)),
                        std::to_string(timestamp_ms), std::to_string(window_ms)};
  return frame.dump();
}

std::string unsubscribe_request(std::span<const std::string_view> streams, std::uint64_t id) {
  return request("UNSUBSCRIBE", streams, id).dump();
}

std::string signing_text(std::int64_t timestamp_ms, std::uint32_t window_ms) {
  return "instruction=subscribe&timestamp=" + std::to_string(timestamp_ms) +
         "&window=" + std::to_string(window_ms);
}

}  // namespace bpx::proto
