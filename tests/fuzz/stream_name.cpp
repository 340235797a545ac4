// Names of streams, as they come from the exchange, a configuration, or a consumer's request. What
// is accepted must survive every text that it is put into.
#include "proto/stream_name.hpp"

#include "proto/envelope.hpp"
#include "proto/subscribe_request.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <string>

namespace {

using bpx::fuzz::require;
using bpx::proto::StreamName;

std::string joined(const StreamName& name) {
  std::string text(name.type());
  for (const auto part : {name.qualifier(), name.symbol()})
    if (!part.empty()) text.append(1, '.').append(part);
  return text;
}

void require_published_as_it_came(std::string_view text) {
  const nlohmann::json message = {{"data", nlohmann::json::object()}, {"stream", text}};
  auto frame = message.dump();
  const auto size = frame.size();
  frame.append(bpx::proto::EnvelopeReader::kPadding, '\0');
  bpx::proto::EnvelopeReader reader;
  const auto envelope = reader.read(std::string_view(frame).substr(0, size));
  require(envelope.kind == bpx::proto::Envelope::Kind::data, "its messages are data");
  require(envelope.stream == text, "its messages bear its name");
}

void require_requested_as_it_is(std::string_view text) {
  const std::array names{text};
  const auto request = nlohmann::json::parse(bpx::proto::subscribe_request(names, 1));
  require(request.at("params").at(0) == text, "it is asked for by its name");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto text = bpx::fuzz::text_of(bytes, size);
  const auto name = StreamName::parse(text);
  const auto fault = StreamName::fault_of(text);
  require(name.has_value() != fault.has_value(), "a text is a name or has a fault");
  if (!name) {
    require(!fault->empty(), "a fault is told in words");
    return 0;
  }
  require(name->text() == text, "a name is its text");
  require(!text.empty() && text.size() <= bpx::proto::kMaxStreamNameBytes, "a name is bounded");
  require(!bpx::proto::is_bridge_topic(text), "no name enters the bridge's own topics");
  require(joined(*name) == text, "its parts make up the name");
  require(name->is_private() == (name->type() == "account"), "account.* and no other is private");
  require(std::ranges::none_of(text, [](unsigned char c) { return c <= ' ' || c == 0x7f; }),
          "a name has no white space or control character");
  require_published_as_it_came(text);
  require_requested_as_it_is(text);
  return 0;
}
