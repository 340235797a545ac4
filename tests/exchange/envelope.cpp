#include "tests/exchange/envelope.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace bpx::exchange {
namespace {

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

SharedMessage without_stream(std::string text) {
  return std::make_shared<const Message>(Message{.stream = {}, .text = std::move(text)});
}

}  // namespace

SharedMessage envelope(const Frame& frame, bool stream_first) {
  const std::string name = json_string(frame.stream);
  std::string text;
  text.reserve(frame.data.size() + name.size() + 20);
  if (stream_first) {
    text.append(R"({"stream":)").append(name).append(R"(,"data":)").append(frame.data);
  } else {
    text.append(R"({"data":)").append(frame.data).append(R"(,"stream":)").append(name);
  }
  text += '}';
  return std::make_shared<const Message>(Message{.stream = frame.stream, .text = std::move(text)});
}

SharedMessage error_message(std::string_view id_json, int code, std::string_view message) {
  std::string text = R"({"id":)";
  text.append(id_json).append(R"(,"error":{"code":)").append(std::to_string(code));
  text.append(R"(,"message":)").append(json_string(message)).append("}}");
  return without_stream(std::move(text));
}

SharedMessage data_message(std::string_view data_json) {
  return without_stream(R"({"data":)" + std::string(data_json) + '}');
}

SharedMessage acknowledgement(std::string_view id_json) {
  return without_stream(R"({"id":)" + std::string(id_json) + R"(,"result":null})");
}

}  // namespace bpx::exchange
