// What a consumer may subscribe to: anything.
#include "proto/replay_request.hpp"

#include "proto/stream_name.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using bpx::fuzz::require;
  using bpx::proto::ReplayRequest;
  using Kind = ReplayRequest::Kind;
  const auto topic = bpx::fuzz::text_of(bytes, size);
  const auto request = ReplayRequest::parse(topic);
  require((request.kind == Kind::malformed) == !request.fault.empty(),
          "what is malformed, and nothing else, has a fault");
  const bool is_meant = topic.starts_with("bridge.replay/") || topic.starts_with("bridge.book/");
  require(is_meant || request.kind == Kind::none, "other topics are ordinary subscriptions");
  require(!is_meant || request.kind != Kind::none, "what is meant for the bridge is judged");
  if (request.kind != Kind::replay && request.kind != Kind::book) return 0;

  require(!bpx::proto::StreamName::fault_of(request.stream), "it asks for a stream");
  std::string beginning = request.kind == Kind::replay ? "bridge.replay/" : "bridge.book/";
  beginning.append(request.stream).append(1, '/');
  require(topic.starts_with(beginning), "the stream is where it belongs");
  const auto rest = topic.substr(beginning.size());
  const auto id = rest.substr(request.kind == Kind::replay ? rest.find('/') + 1 : 0);
  require(!id.empty() && id.size() <= 4 * ReplayRequest::kMaxIdCharacters, "the id is bounded");
  return 0;
}
