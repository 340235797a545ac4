#include "bridge/publish/callers.hpp"

#include <sys/stat.h>

namespace bpx::bridge {
namespace {

/// No two open sockets have the same number, as no two files of a file system do; 0 for none.
ino_t connection_at(int descriptor) {
  struct stat status {};
  return fstat(descriptor, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

Caller Callers::of(zmq::message_t& request, const OnGone& on_gone) {
  const int descriptor = zmq_msg_get(request.handle(), ZMQ_SRCFD);
  const void* const properties = zmq_msg_gets(request.handle(), "Socket-Type");
  if (descriptor < 0 || properties == nullptr) return {};
  auto& known = by_descriptor_[descriptor];
  if (known.properties != properties) {
    if (known.number != 0) on_gone({descriptor, known.number}, known.topics);
    known.number = ++last_;
    known.kept.copy(request);
    known.properties = properties;
    known.connection = connection_at(descriptor);
    known.topics.clear();
  }
  return {descriptor, known.number};
}

bool Callers::begin(const Caller& caller, std::string_view topic) {
  return by_descriptor_.at(caller.descriptor).topics.try_emplace(std::string(topic), 0).second;
}

void Callers::charge(const Caller& caller, std::string_view topic, std::size_t bytes) {
  auto& topics = by_descriptor_.at(caller.descriptor).topics;
  if (const auto found = topics.find(topic); found != topics.end()) found->second = bytes;
}

std::optional<std::size_t> Callers::end(const Caller& caller, std::string_view topic) {
  auto& topics = by_descriptor_.at(caller.descriptor).topics;
  const auto found = topics.find(topic);
  if (found == topics.end()) return std::nullopt;
  const auto charged = found->second;
  topics.erase(found);
  return charged;
}

void Callers::forget(int descriptor, bool is_anyone_there, const OnGone& on_gone) {
  const auto found = by_descriptor_.find(descriptor);
  if (found == by_descriptor_.end()) return;
  if (is_anyone_there && found->second.connection == connection_at(descriptor)) return;
  const auto gone = by_descriptor_.extract(found);
  on_gone({descriptor, gone.mapped().number}, gone.mapped().topics);
}

}  // namespace bpx::bridge
