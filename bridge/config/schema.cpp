#include "bridge/config/schema.hpp"

#include <algorithm>
#include <numeric>

namespace bpx::bridge {
namespace {

constexpr std::uint64_t kDay = 86'400'000;  // ms
constexpr std::uint64_t kGiB = 1ULL << 30;

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string ConfigKey::environment_name() const {
  std::string name = "BRIDGE_";
  for (const char c : path) {
    if (c == '.')
      name += "__";
    else
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return name;
}

std::vector<ConfigKey> keys_of(Config& c) {
  auto& up = c.upstream;
  auto& pub = c.publish;
  auto& jet = pub.jetstream;
  return {
      {"upstream.url", &up.url},
      {"upstream.streams", &up.streams},
      {"upstream.ca_file", &up.ca_file},
      {"upstream.rest_url", &up.rest_url},
      {"upstream.proxy", &up.proxy},
      {"upstream.compression", &up.compression},
      {"upstream.window_ms", &up.window_ms, 1, 60'000},
      {"upstream.connect_timeout_ms", &up.connect_timeout_ms, 10, kDay},
      {"upstream.idle_timeout_ms", &up.idle_timeout_ms, 10, kDay},
      {"upstream.data_timeout_ms", &up.data_timeout_ms, 0, kDay},
      {"upstream.canary", &up.canary},
      {"upstream.requests_per_second", &up.requests_per_second, 1, 10'000},
      {"upstream.resubscribe_after_ms", &up.resubscribe_after_ms, 0, kDay},
      {"upstream.retry_rejected_ms", &up.retry_rejected_ms, 1, kDay},
      {"upstream.backoff_initial_ms", &up.backoff_initial_ms, 1, kDay},
      {"upstream.backoff_max_ms", &up.backoff_max_ms, 1, kDay},
      {"upstream.subscribe_batch", &up.subscribe_batch, 1, 10'000},
      {"upstream.max_message_bytes", &up.max_message_bytes, 1'024, kGiB},
      {"upstream.on_demand.enabled", &up.on_demand.enabled},
      {"upstream.on_demand.allow", &up.on_demand.allow},
      {"upstream.on_demand.linger_ms", &up.on_demand.linger_ms, 0, kDay},
      {"publish.public.bind", &pub.public_.bind},
      {"publish.public.curve.secret_key_file", &pub.public_.curve.secret_key_file},
      {"publish.public.curve.allow", &pub.public_.curve.allow},
      {"publish.private.bind", &pub.private_.bind},
      {"publish.private.curve.secret_key_file", &pub.private_.curve.secret_key_file},
      {"publish.private.curve.allow", &pub.private_.curve.allow},
      {"publish.private.allow_plaintext", &pub.private_.allow_plaintext},
      {"publish.send_hwm", &pub.send_hwm, 0, 100'000'000},
      {"publish.queue_bytes", &pub.queue_bytes, 1, 1'000'000'000'000},
      {"publish.topic_terminator", &pub.topic_terminator},
      {"publish.heartbeat_ms", &pub.heartbeat_ms, 10, kDay},
      {"publish.linger_ms", &pub.linger_ms, 0, 600'000},
      {"publish.books", &pub.books},
      {"publish.replay_messages", &pub.replay_messages, 0, 100'000'000},
      {"publish.replay_bytes", &pub.replay_bytes, 0, 1'024 * kGiB},
      {"publish.jetstream.servers", &jet.servers},
      {"publish.jetstream.stream", &jet.stream},
      {"publish.jetstream.subject_prefix", &jet.subject_prefix},
      {"publish.jetstream.replicas", &jet.replicas, 1, 5},
      {"publish.jetstream.max_age_s", &jet.max_age_s, 1, 3'153'600'000},
      {"publish.jetstream.max_bytes", &jet.max_bytes, 1'024, 1'048'576 * kGiB},
      {"publish.jetstream.include_private", &jet.include_private},
      {"publish.jetstream.credentials_file", &jet.credentials_file},
      {"publish.jetstream.ca_file", &jet.ca_file},
      {"publish.jetstream.max_pending", &jet.max_pending, 1, 10'000'000},
      {"http.bind", &c.http.bind},
      {"log.level", &c.log.level},
      {"log.format", &c.log.format},
  };
}

std::vector<std::string_view> differing_paths(Config a, Config b) {
  const auto ours = keys_of(a);
  const auto theirs = keys_of(b);
  std::vector<std::string_view> paths;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const bool is_same = std::visit(
        [&]<typename T>(const T* value) { return *value == *std::get<T*>(theirs[i].value); },
        ours[i].value);
    if (!is_same) paths.push_back(ours[i].path);
  }
  return paths;
}

std::optional<std::string_view> nearest_path(std::string_view path) {
  constexpr std::size_t kFarFromAny = 200;
  if (path.size() > kFarFromAny) return std::nullopt;
  Config any;
  const auto keys = keys_of(any);
  const auto distance = [&](const ConfigKey& key) { return edit_distance(path, key.path); };
  const auto nearest = std::ranges::min_element(keys, {}, distance);
  const auto tolerated = std::max<std::size_t>(2, path.size() / 4);
  return distance(*nearest) <= tolerated ? std::optional(nearest->path) : std::nullopt;
}

}  // namespace bpx::bridge
