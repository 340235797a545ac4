#include "bridge/cli/live_book.hpp"

namespace bpx::bridge::cli {

std::string_view LiveBook::padded(std::string_view text) {
  text_.assign(text).append(proto::DepthReader::kPadding, '\0');
  return std::string_view(text_).substr(0, text.size());
}

void LiveBook::on_answer(const TailMessage& message) {
  if (message.payload.empty() && is_right()) return;  // another was wanted, and there is none
  forget();
  if (message.payload.empty()) return;
  const auto* const snapshot = reader_.read_snapshot(padded(message.payload));
  if (snapshot == nullptr) return;
  book_ = OrderBook(*snapshot);
  const auto& header = message.header;
  position_ = {.epoch_us = header.epoch_us,
               .sequence = header.sequence,
               .update_id = snapshot->last_update_id,
               .event_ns = header.event_ns};
}

void LiveBook::on_live(const TailMessage& message) {
  const auto& header = message.header;
  if (!position_) return;
  const bool is_of_same_bridge = header.epoch_us == position_->epoch_us;
  if (is_of_same_bridge && header.sequence <= position_->sequence) return;  // it is in it
  const bool follows_gap = (header.flags & proto::MessageHeader::gap_before) != 0;
  if (!is_of_same_bridge || header.sequence != position_->sequence + 1 || follows_gap)
    return forget();
  const auto* const update = reader_.read_update(padded(message.payload));
  if (update == nullptr) return forget();
  position_->sequence = header.sequence;
  if (update->last_update_id <= position_->update_id) return;  // said before
  if (!book_.apply(*update)) return forget();
  position_->update_id = update->last_update_id;
  position_->event_ns = header.event_ns;
}

std::string LiveBook::json() const {
  std::string json;
  if (position_) book_.append_json(json, position_->update_id, position_->event_ns / 1000);
  return json;
}

}  // namespace bpx::bridge::cli
