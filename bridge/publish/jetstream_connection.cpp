#include "bridge/publish/jetstream_connection.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/nats_credentials.hpp"

#include <nlohmann/json.hpp>

#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <utility>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kPatienceNs = std::chrono::nanoseconds(kNatsPatience).count();

/// Nothing heard for so long: the server is asked whether it is there; for twice as long: it is
/// not.
constexpr std::int64_t kSilenceNs = 5'000'000'000;

/// Subjects of answers, which nobody else is to guess.
std::string make_inbox() {
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::random_device random;
  std::uniform_int_distribution<std::size_t> digit(0, kDigits.size() - 1);
  std::string inbox = "_INBOX.";
  for (int i = 0; i < 22; ++i) inbox.append(1, kDigits[digit(random)]);
  return inbox;
}

std::int64_t number_in(const Json& object, const char* key, std::int64_t otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>()
                                                             : otherwise;
}

std::string text_in(const Json& object, const char* key, const char* otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

std::optional<NatsCredentials> read_credentials(const std::string& path) {
  std::ifstream file(path);
  return NatsCredentials::parse(std::string(std::istreambuf_iterator<char>(file), {}));
}

/// Of an error that a message meets, whatever the server's condition.
bool is_for_good(std::int64_t error_code) {
  constexpr std::int64_t kMessageTooLong = 10'054;
  constexpr std::int64_t kHeaderTooLong = 10'097;
  return error_code == kMessageTooLong || error_code == kHeaderTooLong;
}

/// https://docs.nats.io/nats-concepts/jetstream: `{"stream":"BACKPACK","seq":1}`, or an error.
JetStreamConnection::Answer answer_in(const NatsOperation& message, std::uint64_t number) {
  using Kind = JetStreamConnection::Answer::Kind;
  const auto text = message.text;
  const bool is_stored = text.find("\"error\"") == text.npos && text.find("\"seq\"") != text.npos;
  if (is_stored) return {.kind = Kind::stored, .number = number, .cause = {}};
  if (message.headers.starts_with("NATS/1.0 503"))
    return {.kind = Kind::refused,
            .number = number,
            .cause = "no stream of JetStream takes the subject now"};
  const auto json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto error = json.is_object() ? json.value("error", Json()) : Json();
  return {.kind = is_for_good(number_in(error, "err_code", 0)) ? Kind::never : Kind::refused,
          .number = number,
          .cause = text_in(error, "description", "not understood")};
}

}  // namespace

JetStreamConnection::JetStreamConnection(const std::string& address, NatsSocket::Deadline deadline)
    : socket_(address, deadline), in_(std::make_unique_for_overwrite<char[]>(kMostIncoming)) {}

JetStreamConnection::OrFault JetStreamConnection::open(const NatsServer& server,
                                                       const NatsAccess& access,
                                                       const std::string& subject_prefix) {
  const auto deadline = std::chrono::steady_clock::now() + kNatsPatience;
  const auto address = server.url.substr(server.url.find("://") + 3);
  std::unique_ptr<JetStreamConnection> connection(new JetStreamConnection(address, deadline));
  connection->greet(server, access, subject_prefix, deadline);
  if (const auto& fault = connection->fault()) return NatsFault{*fault};
  return connection;
}

void JetStreamConnection::greet(const NatsServer& server, const NatsAccess& access,
                                const std::string& subject_prefix, NatsSocket::Deadline deadline) {
  const auto info = Json::parse(await(NatsOperation::Kind::info, deadline), nullptr,
                                /*allow_exceptions=*/false);
  if (fault()) return;
  if (!info.is_object() || info.value("headers", Json()) != true)
    return fail("it is no NATS server that takes headers");
  if (!server.is_tls && info.value("tls_required", Json()) == true)
    return fail("it wants TLS: give it as tls://HOST:PORT");
  // Whoever stands between could have put it there, to be read as if it had come in TLS.
  if (server.is_tls && read_ > taken_) return fail("it says more than it may before TLS");
  if (server.is_tls) socket_.start_tls(server.host, access.ca_file, deadline);

  Json introduction = {
      {"verbose", false},      {"pedantic", false},      {"headers", true},
      {"no_responders", true}, {"protocol", 1},          {"tls_required", server.is_tls},
      {"lang", "cpp"},         {"version", BPX_VERSION}, {"name", "backpack-bridge"}};
  if (!access.credentials_file.empty()) {
    const auto credentials = read_credentials(access.credentials_file);
    const auto signature =
        credentials ? credentials->sign(text_in(info, "nonce", "")) : std::nullopt;
    if (!signature) return fail(access.credentials_file + " is no credentials file of NATS");
    introduction["jwt"] = credentials->jwt();
    introduction["sig"] = *signature;
  }
  const auto inbox = make_inbox();
  constexpr std::int64_t kUsualMaxPayload = std::int64_t{1} << 20U;
  publications_.emplace(subject_prefix, inbox,
                        static_cast<std::size_t>(number_in(info, "max_payload", kUsualMaxPayload)));
  out_ = "CONNECT " + introduction.dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\r\nSUB " + inbox + ".* 1\r\nPING\r\n";
  last_written_steady_ns_ = steady_ns();
  await(NatsOperation::Kind::pong, deadline);
  last_heard_steady_ns_ = steady_ns();
}

/// The text of the next operation of this kind; empty with a fault.
std::string JetStreamConnection::await(NatsOperation::Kind kind, NatsSocket::Deadline deadline) {
  while (!fault()) {
    while (const auto operation = take_operation())
      if (operation->kind == kind) return std::string(operation->text);
    if (std::chrono::steady_clock::now() >= deadline) {
      fail("it does not answer");
      break;
    }
    write();
    socket_.wait_to_read(deadline);
    read();
  }
  return {};
}

bool JetStreamConnection::send(const JetStreamWindow::Message& message, std::uint64_t number) {
  if (out_.size() == written_) last_written_steady_ns_ = steady_ns();
  return publications_->append(out_, message, number);
}

void JetStreamConnection::exchange() {
  write();
  read();
  const auto now = steady_ns();
  if (out_.size() > written_ && now - last_written_steady_ns_ > kPatienceNs)
    fail("the server does not read");
  const auto silence = now - last_heard_steady_ns_;
  if (silence > kSilenceNs && !std::exchange(has_pinged_, true)) out_.append("PING\r\n");
  if (silence > 2 * kSilenceNs) fail("the server is silent");
}

void JetStreamConnection::write() {
  while (written_ < out_.size()) {
    const auto bytes = socket_.write(std::string_view(out_).substr(written_));
    if (bytes == 0) break;
    written_ += bytes;
    last_written_steady_ns_ = steady_ns();
  }
  if (written_ == out_.size() || written_ > kMostOutgoing)
    out_.erase(0, std::exchange(written_, 0));
}

void JetStreamConnection::read() {
  std::memmove(in_.get(), in_.get() + taken_, read_ - taken_);
  read_ -= std::exchange(taken_, 0);
  if (read_ == kMostIncoming) return fail("the server says more than NATS does");
  while (read_ < kMostIncoming) {
    const auto bytes = socket_.read(in_.get() + read_, kMostIncoming - read_);
    if (bytes == 0) return;
    read_ += bytes;
    last_heard_steady_ns_ = steady_ns();
    has_pinged_ = false;
  }
}

/// The next one that was read, as views into what was read; what concerns nobody else is done.
std::optional<NatsOperation> JetStreamConnection::take_operation() {
  if (fault_) return std::nullopt;
  auto operation = next_operation({in_.get() + taken_, read_ - taken_});
  if (!operation) return std::nullopt;
  taken_ += operation->bytes;
  switch (operation->kind) {
    case NatsOperation::Kind::ping: out_.append("PONG\r\n"); break;
    case NatsOperation::Kind::error: fail("the server says " + std::string(operation->text)); break;
    case NatsOperation::Kind::malformed: fail("the server does not speak NATS"); break;
    default: break;
  }
  return operation;
}

std::optional<JetStreamConnection::Answer> JetStreamConnection::next_answer() {
  while (const auto operation = take_operation())
    if (operation->kind == NatsOperation::Kind::message)
      if (const auto number = publications_->number_of(operation->subject))
        return answer_in(*operation, *number);
  return std::nullopt;
}

const std::optional<std::string>& JetStreamConnection::fault() const {
  return fault_ ? fault_ : socket_.fault();
}

void JetStreamConnection::fail(std::string cause) {
  if (!fault()) fault_ = std::move(cause);
}

}  // namespace bpx::bridge
