#include "tests/exchange/replay_source.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace bpx::exchange {
namespace {

SharedMessage recorded(std::string line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return nullptr;
  const auto stream = json.find("stream");
  if (stream == json.end() || !stream->is_string()) return nullptr;
  return std::make_shared<const Message>(
      Message{.stream = stream->get<std::string>(), .text = std::move(line)});
}

}  // namespace

ReplaySource::ReplaySource(const std::filesystem::path& file, bool loops) : loops_(loops) {
  std::ifstream lines(file);
  if (!lines) throw std::runtime_error("cannot read the recording " + file.string());
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    auto message = recorded(line);
    if (!message) {
      throw std::runtime_error(file.string() + ":" + std::to_string(number) +
                               ": not an envelope with a stream");
    }
    recording_.push_back(std::move(message));
  }
}

std::int64_t ReplaySource::due_us(std::int64_t now_us) const {
  return next_ < recording_.size() ? pacer_.due_us(now_us) : Pacer::kNever;
}

void ReplaySource::play(std::int64_t now_us, std::size_t limit, std::vector<SharedMessage>& out) {
  pacer_.forgive(now_us);
  for (; limit > 0 && due_us(now_us) <= now_us; --limit) {
    out.push_back(recording_[next_++]);
    pacer_.advance();
    if (loops_ && next_ == recording_.size()) next_ = 0;
  }
}

}  // namespace bpx::exchange
