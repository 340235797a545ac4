#include "bridge/relay/stream_table.hpp"

#include "proto/stream_name.hpp"

namespace bpx::bridge {

StreamTable::StreamTable(const std::vector<std::string>& requested, std::string terminator)
    : terminator_(std::move(terminator)), bound_(requested.size() + kMaxUnrequested) {
  by_name_.reserve(requested.size());
  for (const auto& name : requested)
    if (!by_name_.contains(name)) add(name);
}

Stream* StreamTable::find_or_add(std::string_view name) {
  const auto found = by_name_.find(name);
  if (found != by_name_.end()) return found->second;
  if (streams_.size() >= bound_ || proto::StreamName::fault_of(name)) return nullptr;
  return &add(name);
}

Stream& StreamTable::add(std::string_view name) {
  auto& stream = streams_.emplace_back();
  stream.topic = std::string(name) + terminator_;
  stream.name_bytes = name.size();
  stream.audience = audience_of(name);
  by_name_.emplace(stream.name(), &stream);
  return stream;
}

}  // namespace bpx::bridge
