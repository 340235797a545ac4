#include "bridge/publish/jetstream_connection.hpp"

#include <nats/nats.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <utility>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;

template <typename T, auto destroy>
struct Destroy {
  void operator()(T* handle) const { destroy(handle); }
};
template <typename T, auto destroy>
using Handle = std::unique_ptr<T, Destroy<T, destroy>>;

using Options = Handle<natsOptions, natsOptions_Destroy>;
using Connection = Handle<natsConnection, natsConnection_Destroy>;
using Subscription = Handle<natsSubscription, natsSubscription_Destroy>;
using Context = Handle<jsCtx, jsCtx_Destroy>;
using StreamInfo = Handle<jsStreamInfo, jsStreamInfo_Destroy>;
using Msg = Handle<natsMsg, natsMsg_Destroy>;
using Inbox = Handle<natsInbox, natsInbox_Destroy>;

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

/// Of an error that a message meets, whatever the server's condition.
bool is_for_good(std::int64_t error_code) {
  constexpr std::int64_t kHeaderTooLong = 10'097;  // which the library has no name for
  return error_code == JSStreamMessageExceedsMaximumErr || error_code == kHeaderTooLong;
}

/// A number in decimal, NUL at its end.
class Decimal {
 public:
  template <typename T>
  explicit Decimal(T number) {
    *std::to_chars(text_.data(), text_.data() + text_.size() - 1, number).ptr = '\0';
  }
  const char* c_str() const { return text_.data(); }

 private:
  std::array<char, 24> text_{};
};

std::string message_id(const JetStreamWindow::Message& message) {
  return std::string(Decimal(message.header.epoch_us).c_str())
      .append(1, ':')
      .append(message.stream())
      .append(1, ':')
      .append(Decimal(message.header.sequence).c_str());
}

natsStatus add_headers(natsMsg* msg, const JetStreamWindow::Message& message) {
  const auto& header = message.header;
  auto status = natsMsgHeader_Add(msg, "Nats-Msg-Id", message_id(message).c_str());
  const auto add = [&](const char* name, auto number) {
    if (status == NATS_OK) status = natsMsgHeader_Add(msg, name, Decimal(number).c_str());
  };
  add("Bridge-Sequence", header.sequence);
  add("Bridge-Epoch", header.epoch_us);
  add("Bridge-Connection", header.connection);
  add("Bridge-Flags", header.flags);
  add("Bridge-Received", header.received_ns);
  add("Bridge-Event", header.event_ns);
  add("Bridge-Sent", header.sent_ns);
  return status;
}

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

}  // namespace

// In the order of dependence: each uses those above it, and is destroyed before them.
struct JetStreamConnection::Handles {
  Connection connection;
  Context context;
  std::string inbox;  ///< answers come to its subjects `INBOX.NUMBER`
  Subscription answers;
};

JetStreamConnection::JetStreamConnection(std::unique_ptr<Handles> handles)
    : handles_(std::move(handles)) {}

JetStreamConnection::~JetStreamConnection() = default;

void JetStreamConnection::release_thread() { nats_ReleaseThreadMemory(); }

JetStreamConnection::OrFault JetStreamConnection::open(const Server& server, const Access& access) {
  natsOptions* raw_options = nullptr;
  auto status = natsOptions_Create(&raw_options);
  const Options options(raw_options);
  const auto set = [&](auto function, auto... arguments) {
    if (status == NATS_OK) status = function(options.get(), arguments...);
  };
  set(natsOptions_SetURL, server.url.c_str());
  set(natsOptions_SetName, "backpack-bridge");
  set(natsOptions_SetTimeout, kPatience.count());
  set(natsOptions_SetWriteDeadline, kPatience.count());
  set(natsOptions_SetAllowReconnect, false);
  set(natsOptions_SetPingInterval, std::int64_t{5'000});
  if (server.is_tls) {
    set(natsOptions_SetSecure, true);
    set(natsOptions_SetExpectedHostname, server.host.c_str());
    if (!access.ca_file.empty()) set(natsOptions_LoadCATrustedCertificates, access.ca_file.c_str());
  }
  if (!access.credentials_file.empty())
    set(natsOptions_SetUserCredentialsFromFiles, access.credentials_file.c_str(),
        static_cast<const char*>(nullptr));
  if (status != NATS_OK) return Fault{text_of(status)};

  auto handles = std::make_unique<Handles>();
  natsConnection* connection = nullptr;
  status = natsConnection_Connect(&connection, options.get());
  handles->connection.reset(connection);
  if (status != NATS_OK) return Fault{text_of(status)};

  jsOptions questions;
  jsOptions_Init(&questions);
  questions.Wait = kPatience.count();
  jsCtx* context = nullptr;
  status = natsConnection_JetStream(&context, connection, &questions);
  handles->context.reset(context);

  natsInbox* inbox = nullptr;
  if (status == NATS_OK) status = natsInbox_Create(&inbox);
  const Inbox inbox_handle(inbox);
  if (status != NATS_OK) return Fault{text_of(status)};
  handles->inbox = inbox;

  natsSubscription* answers = nullptr;
  status = natsConnection_SubscribeSync(&answers, connection, (handles->inbox + ".*").c_str());
  handles->answers.reset(answers);
  // As many as messages are under way, which the window bounds.
  if (status == NATS_OK) status = natsSubscription_SetPendingLimits(answers, -1, -1);
  if (status != NATS_OK) return Fault{text_of(status)};
  return std::unique_ptr<JetStreamConnection>(new JetStreamConnection(std::move(handles)));
}

std::variant<JetStreamConnection::Found, JetStreamConnection::Fault>
JetStreamConnection::find_or_create(const Stream& stream) {
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
    status =
        js_GetStreamInfo(&info, handles_->context.get(), stream.name.c_str(), nullptr, nullptr);
    return StreamInfo(info);
  };
  natsStatus status = NATS_OK;
  auto found = look(status);
  if (status == NATS_NOT_FOUND) {
    jsErrCode code{};
    status = js_AddStream(nullptr, handles_->context.get(), &wanted, nullptr, &code);
    if (status == NATS_OK) return Found{.is_new = true, .differences = {}};
    if (code != JSStreamNameExistErr) return Fault{"creating the stream: " + text_of(status)};
    found = look(status);  // another bridge was faster
  }
  if (status != NATS_OK) return Fault{"looking for the stream: " + text_of(status)};
  return Found{.is_new = false, .differences = differences_of(*found->Config, wanted)};
}

JetStreamConnection::Sent JetStreamConnection::send(std::string_view subject_prefix,
                                                    const JetStreamWindow::Message& message,
                                                    std::uint64_t number) {
  // To NATS these stand for other words: no message may go to a subject with them.
  if (message.stream().find_first_of("*>") != std::string_view::npos) return Sent::never;
  const auto subject = std::string(subject_prefix).append(message.stream());
  const auto reply = handles_->inbox + '.' + Decimal(number).c_str();
  const auto payload = message.payload();
  natsMsg* raw_msg = nullptr;
  auto status = natsMsg_Create(&raw_msg, subject.c_str(), reply.c_str(), payload.data(),
                               static_cast<int>(payload.size()));
  const Msg msg(raw_msg);
  if (status == NATS_OK) status = add_headers(raw_msg, message);
  if (status == NATS_OK) status = natsConnection_PublishMsg(handles_->connection.get(), raw_msg);
  if (status == NATS_OK) return Sent::yes;
  return status == NATS_MAX_PAYLOAD || status == NATS_INVALID_SUBJECT ? Sent::never : Sent::failed;
}

std::optional<JetStreamConnection::Answer> JetStreamConnection::next_answer() {
  natsMsg* raw_msg = nullptr;
  const auto status = natsSubscription_NextMsg(&raw_msg, handles_->answers.get(), 0);
  const Msg msg(raw_msg);
  if (status == NATS_NO_RESPONDERS)
    return Answer{.kind = Answer::Kind::refused,
                  .number = 0,
                  .cause = "no stream of JetStream takes the subject now"};
  if (status != NATS_OK) return std::nullopt;

  Answer answer;
  const std::string_view subject = natsMsg_GetSubject(raw_msg);
  const auto digits = subject.substr(std::min(subject.size(), handles_->inbox.size() + 1));
  std::from_chars(digits.data(), digits.data() + digits.size(), answer.number);
  const std::string_view text(natsMsg_GetData(raw_msg),
                              static_cast<std::size_t>(natsMsg_GetDataLength(raw_msg)));
  const bool is_stored = text.find("\"error\"") == text.npos && text.find("\"seq\"") != text.npos;
  if (is_stored) return answer;
  const auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto error = json.is_object() ? json.value("error", Json::object()) : Json::object();
  const auto code = error.is_object() ? error.value("err_code", std::int64_t{0}) : 0;
  answer.kind = is_for_good(code) ? Answer::Kind::never : Answer::Kind::refused;
  answer.cause =
      error.is_object() ? error.value("description", "not understood") : "not understood";
  return answer;
}

std::optional<std::string> JetStreamConnection::fault() const {
  if (natsConnection_Status(handles_->connection.get()) == NATS_CONN_STATUS_CONNECTED)
    return std::nullopt;
  const char* detail = nullptr;
  const auto status = natsConnection_GetLastError(handles_->connection.get(), &detail);
  if (status == NATS_OK) return "the server ended the connection";
  return text_of(status, detail);
}

}  // namespace bpx::bridge
