#include "bridge/publish/audience.hpp"

#include "proto/stream_name.hpp"

namespace bpx::bridge {

Audience audience_of(std::string_view stream) {
  return proto::is_private_stream(stream) ? Audience::account : Audience::everyone;
}

}  // namespace bpx::bridge
