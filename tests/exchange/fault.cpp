#include "tests/exchange/fault.hpp"

#include <nlohmann/json.hpp>

#include <functional>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

namespace bpx::exchange {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument(what);
}

/// The parameters of one fault. Reading one strikes it off; what is left over at the end was
/// misspelt.
class Parameters {
 public:
  explicit Parameters(const json& object) : object_(object) {
    for (const auto& [name, value] : object_.items()) unread_.insert(name);
    unread_.erase("kind");
  }

  void read(const char* name, std::string& value) {
    if (const json* given = find(name)) {
      if (!given->is_string()) refuse(std::string(name) + " is to be a string");
      value = given->get<std::string>();
    }
  }
  void read(const char* name, bool& value) {
    if (const json* given = find(name)) {
      if (!given->is_boolean()) refuse(std::string(name) + " is to be true or false");
      value = given->get<bool>();
    }
  }
  template <class Integer>
  void read_whole(const char* name, Integer& value, std::int64_t least, std::int64_t most) {
    const json* given = find(name);
    if (given == nullptr) return;
    if (!given->is_number_integer() || *given < least || *given > most) {
      refuse(std::string(name) + " is to be a whole number from " + std::to_string(least) + " to " +
             std::to_string(most));
    }
    value = static_cast<Integer>(given->get<std::int64_t>());
  }
  void read(const char* name, milliseconds& value, std::int64_t least = 0) {
    std::int64_t count = value.count();
    read_whole(name, count, least, kLongest);
    value = milliseconds(count);
  }
  template <class Choice>
  void read_choice(const char* name, Choice& value, const std::map<std::string, Choice>& choices) {
    std::string word;
    read(name, word);
    if (word.empty()) return;
    const auto choice = choices.find(word);
    if (choice != choices.end()) {
      value = choice->second;
      return;
    }
    std::string known;
    for (const auto& [each, meaning] : choices) known += (known.empty() ? "" : ", ") + each;
    refuse(std::string(name) + " is to be one of: " + known);
  }

  const json* find(const char* name) {
    unread_.erase(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void expect_none_left() const {
    if (!unread_.empty()) refuse("unknown parameter: " + *unread_.begin());
  }

  static constexpr std::int64_t kLongest = std::int64_t{365} * 24 * 3600 * 1000;  // a year, ms

 private:
  const json& object_;
  std::set<std::string> unread_;
};

constexpr std::int64_t kMost = 1'000'000'000;

Fault drop(Parameters& given) {
  fault::Drop drop;
  given.read("reset", drop.reset);
  return drop;
}

Fault close(Parameters& given) {
  fault::Close close;
  given.read_whole("code", close.code, 1000, 4999);
  given.read("reason", close.reason);
  return close;
}

Fault silent(Parameters& given) {
  fault::Silent silent;
  given.read("ms", silent.duration);
  return silent;
}

Fault deaf(Parameters& given) {
  fault::Deaf deaf;
  given.read("ms", deaf.duration);
  given.read("mute", deaf.mute);
  return deaf;
}

Fault skip_ids(Parameters& given) {
  fault::SkipIds skip;
  given.read_whole("count", skip.count, 1, kMost);
  given.read("stream", skip.stream);
  return skip;
}

Fault repeat(Parameters& given) {
  fault::Repeat repeat;
  given.read_whole("count", repeat.count, 1, 1'000'000);
  given.read("stream", repeat.stream);
  return repeat;
}

Fault garbage(Parameters& given) {
  using Layer = fault::Garbage::Layer;
  fault::Garbage garbage;
  given.read("text", garbage.text);
  given.read_choice("layer", garbage.layer,
                    {{"text", Layer::text}, {"binary", Layer::binary}, {"bytes", Layer::bytes}});
  return garbage;
}

Fault huge(Parameters& given) {
  fault::Huge huge;
  given.read_whole("bytes", huge.bytes, 256, kMost);
  given.read("stream", huge.stream);
  return huge;
}

Fault slow(Parameters& given) {
  fault::Slow slow;
  given.read("ms", slow.duration);
  std::int64_t per_byte = slow.per_byte.count();
  given.read_whole("per_byte_us", per_byte, 0, kMost);
  slow.per_byte = std::chrono::microseconds(per_byte);
  return slow;
}

Fault refuse_connections(Parameters& given) {
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

Fault certificate(Parameters& given) {
  fault::Certificate certificate;
  given.read_choice("which", certificate.kind, certificate_kinds());
  return certificate;
}

Fault reject_signatures(Parameters& given) {
  fault::RejectSignatures reject;
  given.read("on", reject.on);
  return reject;
}

Fault shift_clock(Parameters& given) {
  fault::ShiftClock shift;
  given.read("ms", shift.offset, -Parameters::kLongest);
  return shift;
}

Fault unsolicited(Parameters& given) {
  fault::Unsolicited unsolicited;
  given.read("stream", unsolicited.stream);
  given.read("data", unsolicited.data);
  return unsolicited;
}

Fault error(Parameters& given) {
  fault::Error error;
  given.read_whole("code", error.code, -kMost, kMost);
  given.read("message", error.message);
  return error;
}

Fault shutdown(Parameters&) {
  return fault::Shutdown{};
}

Fault rate(Parameters& given) {
  fault::Rate rate;
  if (const json* value = given.find("per_second")) {
    if (*value == "max") {
      rate.per_second = std::numeric_limits<double>::infinity();
    } else if (value->is_number() && *value >= 0) {
      rate.per_second = value->get<double>();
    } else {
      refuse("per_second is to be a number from 0 on, or \"max\"");
    }
  }
  return rate;
}

Fault heal(Parameters&) {
  return fault::Heal{};
}

const std::map<std::string, Fault (*)(Parameters&)>& kinds() {
  static const std::map<std::string, Fault (*)(Parameters&)> known{
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
  if (!object.is_object()) refuse("a fault is to be a JSON object");
  const auto kind = object.find("kind");
  if (kind == object.end() || !kind->is_string()) refuse("kind is missing");
  const auto known = kinds().find(kind->get<std::string>());
  if (known == kinds().end()) {
    std::string names;
    for (const auto& [name, parse] : kinds()) names += (names.empty() ? "" : ", ") + name;
    refuse("kind is to be one of: " + names);
  }
  Parameters given(object);
  Fault fault = known->second(given);
  given.expect_none_left();
  return fault;
}

}  // namespace bpx::exchange
