#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

namespace bpx::bridge::cli {

/// The stream whose topic is `topic`: without the character that publish.topic_terminator may have
/// put behind it, which `tail` is not told. No stream's name ends in one of these.
inline std::string_view stream_of_topic(std::string_view topic) {
  constexpr std::string_view kTerminators = "|!#$%&*+,:;<=>?@^~/ ";
  const bool is_terminated = !topic.empty() && kTerminators.find(topic.back()) != kTerminators.npos;
  return topic.substr(0, topic.size() - (is_terminated ? 1 : 0));
}

/// What nobody else asks by.
inline std::string unique_id() {
  std::random_device random;
  return "tail-" + std::to_string(random()) + '-' + std::to_string(random());
}

/// The topics to subscribe to for an answer that only this consumer gets.
inline std::string replay_topic(std::string_view stream, std::string_view from) {
  return "bridge.replay/" + std::string(stream) + '/' + std::string(from) + '/' + unique_id();
}
inline std::string book_topic(std::string_view stream) {
  return "bridge.book/" + std::string(stream) + '/' + unique_id();
}

}  // namespace bpx::bridge::cli
