#include "bridge/relay/replay.hpp"

#include "bridge/clock.hpp"

namespace bpx::bridge {

using Flag = proto::MessageHeader::Flag;

Replay::Replay(std::uint64_t epoch_us, StreamTable& streams, Publisher& publisher,
               Measurements& measurements)
    : epoch_us_(epoch_us), streams_(streams), publisher_(publisher), measurements_(measurements) {}

std::size_t Replay::go_on(Audience audience, std::string_view topic,
                          const proto::ReplayRequest& request, Progress& progress,
                          Backlog& backlog) {
  const auto* const stream = streams_.find(request.stream);
  if (stream == nullptr || stream->audience != audience) {
    measurements_.replays[ReplayResult::unknown].add();
    progress.has_ended = true;
    publish_end(audience, topic, 0, backlog);
    return 0;
  }
  if (!progress.has_begun)
    progress.place = StreamHistory::Place(request.from.value_or(stream->sequence));
  progress.has_begun = true;
  if (auto header = stream->history.read_next(progress.place, payload_)) {
    header->flags |= Flag::replay;
    publisher_.publish_answer(audience, topic, payload_, *header, backlog);
    return payload_.size();
  }
  measurements_.replays[ReplayResult::served].add();
  progress.has_ended = true;
  publish_end(audience, topic, stream->sequence, backlog);
  return 0;
}

void Replay::publish_end(Audience audience, std::string_view topic, std::uint64_t newest,
                         Backlog& backlog) {
  proto::MessageHeader header;
  header.flags = Flag::replay | Flag::end_of_replay;
  header.connection = measurements_.upstream.connection.value();
  header.epoch_us = epoch_us_;
  header.sequence = newest;
  header.received_ns = header.sent_ns = unix_ns();
  publisher_.publish_answer(audience, topic, {}, header, backlog);
}

}  // namespace bpx::bridge
