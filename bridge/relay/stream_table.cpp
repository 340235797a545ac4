#include "bridge/relay/stream_table.hpp"

#include "bridge/relay/book.hpp"
#include "proto/stream_name.hpp"

namespace bpx::bridge {

Stream::Stream(std::string_view name, std::string_view terminator, StreamMeasurements& measured,
               History& kept)
    : topic(std::string(name).append(terminator)),
      name_bytes(name.size()),
      audience(audience_of(name)),
      continuity(proto::numbering_of(name)),
      measurements(&measured),
      history(kept) {}

void Stream::measure_by(StreamMeasurements& measured) {
  measurements = &measured;
  measured.published.add(sequence - measured.published.value());
  if (book != nullptr) book->measure_by(measured);
}

StreamTable::StreamTable(const std::vector<std::string>& requested, std::string terminator,
                         Measurements& measurements, History& history,
                         std::function<bool(std::string_view)> is_wanted)
    : terminator_(std::move(terminator)),
      measurements_(measurements),
      history_(history),
      is_wanted_(std::move(is_wanted)),
      bound_(requested.size() + kMaxUnrequested) {
  by_name_.reserve(requested.size());
  for (const auto& name : requested)
    if (find(name) == nullptr) add(name);
}

Stream* StreamTable::find_or_add(std::string_view name) {
  if (auto* const found = find(name)) return found;
  return fault_of(name) ? nullptr : &add(name);
}

Stream& StreamTable::add_requested(std::string_view name) {
  auto* const found = find(name);
  if (found == nullptr) {
    ++bound_;
    return add(name);
  }
  if (auto& measured = measurements_.of(name); &measured != found->measurements) {
    found->measure_by(measured);
    by_name_.renew(*found);
  }
  return *found;
}

std::optional<std::string_view> StreamTable::fault_of(std::string_view name) const {
  if (const auto fault = proto::StreamName::fault_of(name)) return fault;
  if (!terminator_.empty() && name.find(terminator_) != std::string_view::npos)
    return "the name of its stream contains publish.topic_terminator";
  if (streams_.size() >= bound_ && !(is_wanted_ && is_wanted_(name)))
    return "there are more streams than are carried unasked";
  if (streams_.size() >= bound_ + kMaxWanted) return "there are more streams than can be carried";
  return std::nullopt;
}

Stream* StreamTable::find(std::string_view name) { return by_name_.find(name); }

Stream* StreamTable::find_topic(std::string_view topic) {
  if (!topic.ends_with(terminator_)) return nullptr;
  return find(topic.substr(0, topic.size() - terminator_.size()));
}

const Stream* StreamTable::find_caught_with(const Stream& stream) const {
  const auto next = by_topic_.upper_bound(stream.topic);
  return next != by_topic_.end() && next->first.starts_with(stream.topic) ? next->second : nullptr;
}

Stream& StreamTable::add(std::string_view name) {
  auto& stream = streams_.emplace_back(name, terminator_, measurements_.of(name), history_);
  by_name_.add(stream);
  by_topic_.emplace(stream.topic, &stream);
  return stream;
}

}  // namespace bpx::bridge
