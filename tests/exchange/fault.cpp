#include "tests/exchange/fault.hpp"

#include "tests/exchange/fault_parameters.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>

namespace bpx::exchange {
namespace {

using nlohmann::json;

constexpr std::int64_t kMost = 1'000'000'000;

Fault drop(FaultParameters& given) {
  fault::Drop drop;
  given.read("reset", drop.reset);
  return drop;
}

Fault close(FaultParameters& given) {
  fault::Close close;
  given.read_whole("code", close.code, 1000, 4999);
  given.read("reason", close.reason);
  return close;
}

Fault silent(FaultParameters& given) {
  fault::Silent silent;
  given.read("ms", silent.duration);
  return silent;
}

Fault deaf(FaultParameters& given) {
  fault::Deaf deaf;
  given.read("ms", deaf.duration);
  given.read("mute", deaf.mute);
  return deaf;
}

Fault skip_ids(FaultParameters& given) {
  fault::SkipIds skip;
  given.read_whole("count", skip.count, 1, kMost);
  given.read("stream", skip.stream);
  return skip;
}

Fault repeat(FaultParameters& given) {
  fault::Repeat repeat;
  given.read_whole("count", repeat.count, 1, 1'000'000);
  given.read("stream", repeat.stream);
  return repeat;
}

Fault garbage(FaultParameters& given) {
  using Layer = fault::Garbage::Layer;
  fault::Garbage garbage;
  given.read("text", garbage.text);
  given.read_choice("layer", garbage.layer,
                    {{"text", Layer::text}, {"binary", Layer::binary}, {"bytes", Layer::bytes}});
  return garbage;
}

Fault huge(FaultParameters& given) {
  fault::Huge huge;
  given.read_whole("bytes", huge.bytes, 256, kMost);
  given.read("stream", huge.stream);
  return huge;
}

Fault slow(FaultParameters& given) {
  fault::Slow slow;
  given.read("ms", slow.duration);
  std::int64_t per_byte = slow.per_byte.count();
  given.read_whole("per_byte_us", per_byte, 0, kMost);
  slow.per_byte = std::chrono::microseconds(per_byte);
  return slow;
}

Fault refuse_connections(FaultParameters& given) {
  fault::Refuse refusal;
  given.read("ms", refusal.duration);
  return refusal;
}

const std::map<std::string, fault::Certificate::Kind>& certificate_kinds() {
  using Kind = fault::Certificate::Kind;
  static const std::map<std::string, Kind> kinds{{"good", Kind::good},
                                                 {"expired", Kind::expired},
                                                 {"wrong_host", Kind::wrong_host},
                                                 {"self_signed", Kind::self_signed}};
  return kinds;
}

Fault certificate(FaultParameters& given) {
  fault::Certificate certificate;
  given.read_choice("which", certificate.kind, certificate_kinds());
  return certificate;
}

Fault tls_version(FaultParameters& given) {
  using Kind = fault::TlsVersion::Kind;
  fault::TlsVersion version;
  given.read_choice(
      "which", version.kind,
      {{"current", Kind::current}, {"tls12", Kind::tls12}, {"outdated", Kind::outdated}});
  return version;
}

Fault renegotiate(FaultParameters&) { return fault::Renegotiate{}; }

Fault answer(FaultParameters& given) {
  using To = fault::Answer::To;
  fault::Answer answer;
  given.read_choice("to", answer.to, {{"upgrade", To::upgrade}, {"rest", To::rest}});
  given.read("bytes", answer.bytes);
  return answer;
}

Fault ignore_requests(FaultParameters& given) {
  fault::IgnoreRequests ignore;
  given.read_whole("count", ignore.count, 1, kMost);
  return ignore;
}

Fault mute_stream(FaultParameters& given) {
  fault::MuteStream mute;
  given.read("stream", mute.stream);
  return mute;
}

Fault list(FaultParameters& given) {
  fault::List list;
  given.read("stream", list.stream);
  return list;
}

Fault reject_signatures(FaultParameters& given) {
  fault::RejectSignatures reject;
  given.read("on", reject.on);
  return reject;
}

Fault shift_clock(FaultParameters& given) {
  fault::ShiftClock shift;
  given.read("ms", shift.offset, -FaultParameters::kLongest);
  return shift;
}

Fault unsolicited(FaultParameters& given) {
  fault::Unsolicited unsolicited;
  given.read("stream", unsolicited.stream);
  given.read("data", unsolicited.data);
  return unsolicited;
}

Fault error(FaultParameters& given) {
  fault::Error error;
  given.read_whole("code", error.code, -kMost, kMost);
  given.read("message", error.message);
  return error;
}

Fault shutdown(FaultParameters&) { return fault::Shutdown{}; }

Fault rate(FaultParameters& given) {
  fault::Rate rate;
  given.read_rate("per_second", rate.per_second);
  given.read_whole("messages", rate.messages, 1, kMost);
  return rate;
}

Fault heal(FaultParameters&) { return fault::Heal{}; }

const std::map<std::string, Fault (*)(FaultParameters&)>& kinds() {
  static const std::map<std::string, Fault (*)(FaultParameters&)> known{
      {"drop", drop},
      {"close", close},
      {"silent", silent},
      {"deaf", deaf},
      {"skip_ids", skip_ids},
      {"repeat", repeat},
      {"garbage", garbage},
      {"huge", huge},
      {"slow", slow},
      {"refuse", refuse_connections},
      {"certificate", certificate},
      {"tls_version", tls_version},
      {"renegotiate", renegotiate},
      {"answer", answer},
      {"ignore_requests", ignore_requests},
      {"mute_stream", mute_stream},
      {"list", list},
      {"reject_signatures", reject_signatures},
      {"shift_clock", shift_clock},
      {"unsolicited", unsolicited},
      {"error", error},
      {"shutdown", shutdown},
      {"rate", rate},
      {"heal", heal},
  };
  return known;
}

}  // namespace

std::string to_string(fault::Certificate::Kind kind) {
  for (const auto& [word, meaning] : certificate_kinds()) {
    if (meaning == kind) return word;
  }
  return {};
}

Fault parse_fault(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (!object.is_object()) throw std::invalid_argument("a fault is to be a JSON object");
  const auto kind = object.find("kind");
  if (kind == object.end() || !kind->is_string()) throw std::invalid_argument("kind is missing");
  const auto known = kinds().find(kind->get<std::string>());
  if (known == kinds().end()) {
    std::string names;
    for (const auto& [name, parse] : kinds()) names += (names.empty() ? "" : ", ") + name;
    throw std::invalid_argument("kind is to be one of: " + names);
  }
  FaultParameters given(object);
  Fault fault = known->second(given);
  given.expect_none_left();
  return fault;
}

}  // namespace bpx::exchange
