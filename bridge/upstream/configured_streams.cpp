#include "bridge/upstream/configured_streams.hpp"

#include "proto/stream_name.hpp"

#include <algorithm>
#include <iterator>

namespace bpx::bridge {

ConfiguredStreams::ConfiguredStreams(const std::vector<std::string>& streams, Parts parts)
    : parts_(parts), streams_(streams.begin(), streams.end()) {}

void ConfiguredStreams::become(const std::vector<std::string>& streams) {
  const decltype(streams_) wanted(streams.begin(), streams.end());
  std::vector<std::string> gone, added;
  std::ranges::set_difference(streams_, wanted, std::back_inserter(gone));
  std::ranges::set_difference(wanted, streams_, std::back_inserter(added));
  for (const auto& stream : gone) remove(stream);
  std::erase_if(added, [this](const auto& stream) { return !add(stream); });
  if (gone.empty() && added.empty()) return;
  parts_.demand.set_always(streams_);
  parts_.session.subscriptions_changed();
  parts_.log.info("streams changed", {{"added", added.size()}, {"removed", gone.size()}});
}

bool ConfiguredStreams::add(const std::string& stream) {
  if (const auto obstacle = obstacle_to(stream)) {
    parts_.log.warn("stream needs a restart", {{"stream", stream}, {"cause", *obstacle}});
    return false;
  }
  parts_.measurements.add_configured(stream);
  parts_.streams.add_requested(stream);
  parts_.subscriptions.want(stream);
  parts_.subscriptions.set_lasting(stream, true);
  streams_.insert(stream);
  return true;
}

/// Consumers who want the stream, and may, keep it.
void ConfiguredStreams::remove(const std::string& stream) {
  parts_.subscriptions.set_lasting(stream, false);
  if (!parts_.demand.is_wanted(stream)) parts_.subscriptions.unwant(stream);
  parts_.measurements.remove_configured(stream);
  streams_.erase(stream);
}

/// The rest of the configuration stays as it was at the start, and the stream has to go with that.
std::optional<std::string_view> ConfiguredStreams::obstacle_to(std::string_view stream) const {
  if (!parts_.publisher.serves(audience_of(stream))) return "no endpoint is bound for it";
  if (proto::is_private_stream(stream) && !parts_.has_key)
    return "the account's key is read at the start alone";
  return parts_.streams.find(stream) != nullptr ? std::nullopt : parts_.streams.fault_of(stream);
}

}  // namespace bpx::bridge
