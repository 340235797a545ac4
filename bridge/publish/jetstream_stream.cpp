#include "bridge/publish/jetstream_stream.hpp"

#include "bridge/publish/nats_json.hpp"

#include <algorithm>
#include <string_view>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;

/// How long the server remembers the ids of what it has stored, in a stream that is created: what
/// is sent again within that time is stored once. The default of NATS, which it keeps in memory.
constexpr std::chrono::seconds kDuplicates{120};

// JetStream's `err_code`.
constexpr std::int64_t kStreamNotFound = 10'059;
constexpr std::int64_t kStreamNameInUse = 10'058;

constexpr std::int64_t nanoseconds(std::chrono::nanoseconds time) { return time.count(); }

/// https://docs.nats.io/reference/reference-protocols/nats_api_reference
Json config_of(const JetStreamStream& stream) {
  return {{"name", stream.name},
          {"subjects", Json::array({stream.subject_prefix + '>'})},
          {"retention", "limits"},
          {"discard", "old"},
          {"storage", "file"},
          {"num_replicas", stream.replicas},
          {"max_age", nanoseconds(stream.max_age)},
          {"max_bytes", stream.max_bytes},
          {"duplicate_window", nanoseconds(std::min(kDuplicates, stream.max_age))}};
}

std::vector<std::string> differences_of(const Json& found, const Json& wanted) {
  std::vector<std::string> differences;
  const auto compare = [&](const char* key, std::string_view our_key, std::int64_t unit) {
    const auto there = number_in(found, key, 0) / unit;
    const auto here = number_in(wanted, key, 0) / unit;
    if (there != here)
      differences.push_back(std::string(our_key) + ' ' + std::to_string(there) + ", configured " +
                            std::to_string(here));
  };
  const auto& ours = wanted["subjects"].front();
  std::string subjects;
  bool has_ours = false;
  for (const auto& subject : member_of(found, "subjects")) {
    if (!subject.is_string()) continue;
    subjects.append(subjects.empty() ? "" : ",").append(subject.get<std::string>());
    has_ours = has_ours || subject == ours;
  }
  if (!has_ours)
    differences.push_back("subjects " + subjects + ", configured " + ours.get<std::string>());
  for (const auto* key : {"retention", "discard", "storage"}) {
    const auto there = text_in(found, key, ""), here = text_in(wanted, key, "");
    if (there != here) differences.push_back(std::string(key) + ' ' + there + ", wanted " + here);
  }
  for (const auto* key : {"max_msgs", "max_msgs_per_subject", "max_msg_size"})
    if (const auto limit = number_in(found, key, 0); limit > 0)
      differences.push_back(std::string(key) + ' ' + std::to_string(limit) + ", wanted no limit");
  if (member_of(found, "sealed") == true)
    differences.emplace_back("sealed true: it takes nothing any more");
  constexpr std::int64_t kSecond = 1'000'000'000;
  compare("num_replicas", "replicas", 1);
  compare("max_age", "max_age_s", kSecond);
  compare("max_bytes", "max_bytes", 1);
  const auto memory = number_in(found, "duplicate_window", 0);
  if (memory < number_in(wanted, "duplicate_window", 0))
    differences.push_back("duplicate_window " + std::to_string(memory / kSecond) +
                          " s, for which what is sent again is known");
  if (member_of(found, "no_ack") == true)
    differences.emplace_back("no_ack true, which leaves every message pending");
  return differences;
}

/// What JetStream said to a question: an object, with an error or without.
struct Answer {
  Json object;
  std::int64_t error_code = 0;  ///< 0: none
  std::string error;            ///< for a person
};

std::variant<Answer, NatsFault> ask(NatsConnection& connection, const std::string& what,
                                    const std::string& question, const NatsPatience& patience) {
  const auto said = connection.ask("$JS.API.STREAM." + what, question, patience.again());
  if (const auto* fault = std::get_if<NatsFault>(&said)) return *fault;
  Answer answer{
      .object = parse_nats_json(std::get<std::string>(said)), .error_code = 0, .error = {}};
  if (!answer.object.is_object()) return NatsFault{"JetStream's answer is not understood"};
  if (const auto& error = member_of(answer.object, "error"); !error.is_null()) {
    constexpr std::int64_t kUnknown = -1;
    answer.error_code = number_in(error, "err_code", kUnknown);
    answer.error = text_in(error, "description", "an error without description");
  }
  return answer;
}

}  // namespace

std::variant<FoundStream, NatsFault> find_or_create(NatsConnection& connection,
                                                    const JetStreamStream& stream,
                                                    const NatsPatience& patience) {
  const auto wanted = config_of(stream);
  const auto look = [&] { return ask(connection, "INFO." + stream.name, "", patience); };
  auto found = look();
  if (const auto* fault = std::get_if<NatsFault>(&found))
    return NatsFault{"looking for the stream: " + fault->cause};
  if (std::get<Answer>(found).error_code == kStreamNotFound) {
    const auto created = ask(connection, "CREATE." + stream.name, wanted.dump(), patience);
    if (const auto* fault = std::get_if<NatsFault>(&created))
      return NatsFault{"creating the stream: " + fault->cause};
    const auto& answer = std::get<Answer>(created);
    if (answer.error_code == 0) return FoundStream{.is_new = true, .differences = {}};
    if (answer.error_code != kStreamNameInUse)
      return NatsFault{"creating the stream: " + answer.error};
    found = look();  // another bridge was faster
    if (const auto* fault = std::get_if<NatsFault>(&found))
      return NatsFault{"looking for the stream: " + fault->cause};
  }
  const auto& answer = std::get<Answer>(found);
  if (answer.error_code != 0) return NatsFault{"looking for the stream: " + answer.error};
  return FoundStream{.is_new = false,
                     .differences = differences_of(member_of(answer.object, "config"), wanted)};
}

}  // namespace bpx::bridge
