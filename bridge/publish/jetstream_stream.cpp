#include "bridge/publish/jetstream_stream.hpp"

#include <nats/nats.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace bpx::bridge {
namespace {

template <typename T, auto destroy>
struct Destroy {
  void operator()(T* handle) const { destroy(handle); }
};
template <typename T, auto destroy>
using Handle = std::unique_ptr<T, Destroy<T, destroy>>;

using Options = Handle<natsOptions, natsOptions_Destroy>;
using Connection = Handle<natsConnection, natsConnection_Destroy>;
using Context = Handle<jsCtx, jsCtx_Destroy>;
using StreamInfo = Handle<jsStreamInfo, jsStreamInfo_Destroy>;

/// `detail`, where there is one, without the library's own `(conn.c:2088): ` in front.
std::string text_of(natsStatus status, const char* detail) {
  const std::string_view text = detail != nullptr ? detail : "";
  if (text.empty()) return natsStatus_GetText(status);
  const auto place_end = text.starts_with('(') ? text.find("): ") : text.npos;
  return std::string(text.substr(place_end == text.npos ? 0 : place_end + 3));
}

/// What the last call of this thread failed of.
std::string text_of(natsStatus status) { return text_of(status, nats_GetLastError(nullptr)); }

/// How long the server remembers the ids of what it has stored, in a stream that is created: what
/// is sent again within that time is stored once. The default of NATS, which it keeps in memory.
constexpr std::chrono::seconds kDuplicates{120};

constexpr std::int64_t nanoseconds(std::chrono::nanoseconds time) { return time.count(); }

void compare(std::vector<std::string>& differences, std::string_view what, std::int64_t found,
             std::int64_t wanted) {
  if (found != wanted)
    differences.push_back(std::string(what) + ' ' + std::to_string(found) + ", configured " +
                          std::to_string(wanted));
}

std::vector<std::string> differences_of(const jsStreamConfig& found, const jsStreamConfig& wanted) {
  std::vector<std::string> differences;
  std::string subjects;
  bool has_ours = false;
  for (int i = 0; i < found.SubjectsLen; ++i) {
    subjects.append(i > 0 ? "," : "").append(found.Subjects[i]);
    has_ours = has_ours || std::strcmp(found.Subjects[i], wanted.Subjects[0]) == 0;
  }
  if (!has_ours)
    differences.push_back("subjects " + subjects + ", configured " + wanted.Subjects[0]);
  constexpr std::int64_t kSecond = 1'000'000'000;
  compare(differences, "replicas", found.Replicas, wanted.Replicas);
  compare(differences, "max_age_s", found.MaxAge / kSecond, wanted.MaxAge / kSecond);
  compare(differences, "max_bytes", found.MaxBytes, wanted.MaxBytes);
  if (found.NoAck) differences.emplace_back("no_ack true, which leaves every message pending");
  return differences;
}

/// In the order of dependence: the second uses the first, and is destroyed before it.
struct Handles {
  Connection connection;
  Context context;
};

std::variant<Handles, NatsFault> connect(const NatsServer& server, const NatsAccess& access) {
  natsOptions* raw_options = nullptr;
  auto status = natsOptions_Create(&raw_options);
  const Options options(raw_options);
  const auto set = [&](auto function, auto... arguments) {
    if (status == NATS_OK) status = function(options.get(), arguments...);
  };
  set(natsOptions_SetURL, server.url.c_str());
  set(natsOptions_SetName, "backpack-bridge");
  set(natsOptions_SetTimeout, kNatsPatience.count());
  set(natsOptions_SetWriteDeadline, kNatsPatience.count());
  set(natsOptions_SetAllowReconnect, false);
  if (server.is_tls) {
    set(natsOptions_SetSecure, true);
    set(natsOptions_SetExpectedHostname, server.host.c_str());
    if (!access.ca_file.empty()) set(natsOptions_LoadCATrustedCertificates, access.ca_file.c_str());
  }
  if (!access.credentials_file.empty())
    set(natsOptions_SetUserCredentialsFromFiles, access.credentials_file.c_str(),
        static_cast<const char*>(nullptr));
  if (status != NATS_OK) return NatsFault{text_of(status)};

  Handles handles;
  natsConnection* connection = nullptr;
  status = natsConnection_Connect(&connection, options.get());
  handles.connection.reset(connection);
  if (status != NATS_OK) return NatsFault{text_of(status)};

  jsOptions questions;
  jsOptions_Init(&questions);
  questions.Wait = kNatsPatience.count();
  jsCtx* context = nullptr;
  status = natsConnection_JetStream(&context, connection, &questions);
  handles.context.reset(context);
  if (status != NATS_OK) return NatsFault{text_of(status)};
  return handles;
}

}  // namespace

std::variant<FoundStream, NatsFault> find_or_create(const NatsServer& server,
                                                    const NatsAccess& access,
                                                    const JetStreamStream& stream) {
  const auto connected = connect(server, access);
  if (const auto* fault = std::get_if<NatsFault>(&connected)) return *fault;
  auto* const context = std::get<Handles>(connected).context.get();

  const auto subjects = stream.subject_prefix + '>';
  std::array<const char*, 1> subject_list = {subjects.c_str()};
  jsStreamConfig wanted;
  jsStreamConfig_Init(&wanted);
  wanted.Name = stream.name.c_str();
  wanted.Subjects = subject_list.data();
  wanted.SubjectsLen = 1;
  wanted.Replicas = static_cast<std::int64_t>(stream.replicas);
  wanted.MaxAge = nanoseconds(stream.max_age);
  wanted.MaxBytes = static_cast<std::int64_t>(stream.max_bytes);
  wanted.Duplicates = nanoseconds(std::min(kDuplicates, stream.max_age));

  const auto look = [&](natsStatus& status) {
    jsStreamInfo* info = nullptr;
    status = js_GetStreamInfo(&info, context, stream.name.c_str(), nullptr, nullptr);
    return StreamInfo(info);
  };
  natsStatus status = NATS_OK;
  auto found = look(status);
  if (status == NATS_NOT_FOUND) {
    jsErrCode code{};
    status = js_AddStream(nullptr, context, &wanted, nullptr, &code);
    if (status == NATS_OK) return FoundStream{.is_new = true, .differences = {}};
    if (code != JSStreamNameExistErr) return NatsFault{"creating the stream: " + text_of(status)};
    found = look(status);  // another bridge was faster
  }
  if (status != NATS_OK) return NatsFault{"looking for the stream: " + text_of(status)};
  return FoundStream{.is_new = false, .differences = differences_of(*found->Config, wanted)};
}

void release_nats_thread() { nats_ReleaseThreadMemory(); }

}  // namespace bpx::bridge
