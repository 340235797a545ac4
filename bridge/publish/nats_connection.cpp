#include "bridge/publish/nats_connection.hpp"

#include "bridge/clock.hpp"
#include "bridge/publish/nats_credentials.hpp"
#include "bridge/publish/nats_json.hpp"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

namespace bpx::bridge {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kPatienceNs = std::chrono::nanoseconds(kNatsPatience).count();

/// Nothing heard for so long: the server is asked whether it is there; for as long again: it is
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

std::string words_of(const NatsOperation& error) {
  return "the server says " + std::string(error.text);
}

auto is(NatsOperation::Kind kind) {
  return [kind](const NatsOperation& operation) { return operation.kind == kind; };
}

}  // namespace

NatsConnection::OrFault NatsConnection::open(const NatsServer& server, const NatsAccess& access,
                                             NatsLookUp& look_up, const NatsPatience& patience,
                                             std::size_t turn) {
  auto host = look_up.find(server.host, server.port, patience);
  if (host.addresses.empty()) return NatsFault{server.host + ": " + host.error};
  const auto first = static_cast<std::ptrdiff_t>(turn % host.addresses.size());
  std::ranges::rotate(host.addresses, host.addresses.begin() + first);
  std::unique_ptr<NatsConnection> connection(new NatsConnection(host.addresses, patience.again()));
  connection->greet(server, access, patience);
  if (const auto& fault = connection->fault()) return NatsFault{*fault};
  return connection;
}

NatsConnection::NatsConnection(const std::vector<HostAddress>& addresses,
                               const NatsPatience& patience)
    : socket_(addresses, patience),
      inbox_(make_inbox()),
      in_(std::make_unique_for_overwrite<char[]>(kMostIncoming)) {}

void NatsConnection::greet(const NatsServer& server, const NatsAccess& access,
                           const NatsPatience& patience) {
  const auto said = await(patience.again(), is(NatsOperation::Kind::info));
  if (!said) return;
  const auto info = parse_nats_json(said->text);
  if (member_of(info, "headers") != true) return fail("it is no NATS server that takes headers");
  if (!server.is_tls && member_of(info, "tls_required") == true)
    return fail("it wants TLS: give it as tls://HOST:PORT");
  // Whoever stands between could have put it there, to be read as if it had come in TLS.
  if (server.is_tls && read_ > taken_) return fail("it says more than it may before TLS");
  if (server.is_tls) socket_.start_tls(server.host, access.ca_file, patience.again());
  if (fault()) return;

  Json introduction = {
      {"verbose", false},      {"pedantic", false},      {"headers", true},
      {"no_responders", true}, {"protocol", 1},          {"tls_required", server.is_tls},
      {"lang", "cpp"},         {"version", BPX_VERSION}, {"name", "backpack-bridge"}};
  if (!access.credentials_file.empty()) {
    const auto credentials = NatsCredentials::read(access.credentials_file);
    if (!credentials) return fail(access.credentials_file + " is no credentials file of NATS");
    introduction["jwt"] = credentials->jwt();
    introduction["sig"] = credentials->sign(text_in(info, "nonce", ""));
  }
  outgoing()
      .append("CONNECT ")
      .append(introduction.dump(-1, ' ', false, Json::error_handler_t::replace))
      .append("\r\nSUB ")
      .append(inbox_)
      .append(".* 1\r\nPING\r\n");
  await(patience.again(), is(NatsOperation::Kind::pong));
}

std::variant<std::string, NatsFault> NatsConnection::ask(std::string_view subject,
                                                         std::string_view question,
                                                         const NatsPatience& patience) {
  const auto reply = inbox_ + ".answer";
  outgoing()
      .append("PUB ")
      .append(subject)
      .append(1, ' ')
      .append(reply)
      .append(1, ' ')
      .append(std::to_string(question.size()))
      .append("\r\n")
      .append(question)
      .append("\r\n");
  const auto answer = await(patience, [&](const NatsOperation& operation) {
    return operation.kind == NatsOperation::Kind::message && operation.subject == reply;
  });
  if (!answer) return NatsFault{*fault()};
  if (is_from_nobody(*answer)) return NatsFault{"nobody answers at " + std::string(subject)};
  return std::string(answer->text);
}

std::string& NatsConnection::outgoing() {
  if (out_.size() == written_) last_written_steady_ns_ = steady_ns();
  return out_;
}

/// Reads first: behind a connection that takes nothing any more may stand why, and of a thread that
/// was kept from its work the answer may be there already.
void NatsConnection::exchange() {
  read();
  const auto now = steady_ns();
  if (!has_pinged_ && now - last_heard_steady_ns_ > kSilenceNs) {
    has_pinged_ = true;
    last_pinged_steady_ns_ = now;
    outgoing().append("PING\r\n");
  }
  write();
  if (fault()) return;
  if (out_.size() > written_ && steady_ns() - last_written_steady_ns_ > kPatienceNs)
    fail("the server does not read");
  if (has_pinged_ && now - last_pinged_steady_ns_ > kSilenceNs) fail("the server is silent");
}

std::optional<NatsOperation> NatsConnection::next_message() {
  using Kind = NatsOperation::Kind;
  while (const auto operation = take_operation())
    if (operation->kind == Kind::message || (operation->kind == Kind::error && !fault_))
      return operation;
  return std::nullopt;
}

/// The next operation that is wanted; nullopt with a fault.
template <typename Predicate>
std::optional<NatsOperation> NatsConnection::await(const NatsPatience& patience,
                                                   Predicate is_wanted) {
  for (bool has_ended = false;;) {
    while (const auto operation = take_operation())
      if (is_wanted(*operation))
        return operation;
      else if (operation->kind == NatsOperation::Kind::error)
        fail(words_of(*operation));
    if (fault()) return std::nullopt;
    if (has_ended) {
      fail("it does not answer");
      return std::nullopt;
    }
    has_ended = patience.has_ended();  // what has come by now still counts
    write();
    socket_.wait(patience, /*is_to_write=*/written_ < out_.size());
    read();
  }
}

/// The next one that was read, as views into what was read; what concerns nobody else is done.
std::optional<NatsOperation> NatsConnection::take_operation() {
  if (fault_) return std::nullopt;
  auto operation = next_operation({in_.get() + taken_, read_ - taken_});
  if (!operation) return std::nullopt;
  taken_ += operation->bytes;
  switch (operation->kind) {
    case NatsOperation::Kind::ping: owes_pong_ = true; break;
    case NatsOperation::Kind::info: note_max_payload(operation->text); break;
    case NatsOperation::Kind::error:
      if (!forbidden_subject(*operation)) fail(words_of(*operation));
      break;
    case NatsOperation::Kind::malformed: fail("the server does not speak NATS"); break;
    default: break;
  }
  return operation;
}

void NatsConnection::note_max_payload(std::string_view info) {
  const auto bytes = number_in(parse_nats_json(info), "max_payload", 0);
  if (bytes > 0) max_payload_ = static_cast<std::size_t>(bytes);
}

void NatsConnection::write() {
  // One for all that it asked meanwhile: else who asks without end would fill the memory.
  if (std::exchange(owes_pong_, false)) outgoing().append("PONG\r\n");
  while (written_ < out_.size()) {
    const auto bytes = socket_.write(std::string_view(out_).substr(written_));
    if (bytes == 0) break;
    written_ += bytes;
    last_written_steady_ns_ = steady_ns();
  }
  if (written_ == out_.size() || written_ > kMostOutgoing)
    out_.erase(0, std::exchange(written_, 0));
}

void NatsConnection::read() {
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

/// What was read last tells more than that the connection ended behind it.
void NatsConnection::fail(std::string cause) {
  if (!fault_) fault_ = std::move(cause);
}

}  // namespace bpx::bridge
