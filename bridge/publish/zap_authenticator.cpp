#include "bridge/publish/zap_authenticator.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

namespace bpx::bridge {
namespace {

/// Where RFC 27 has libzmq ask.
constexpr auto kEndpoint = "inproc://zeromq.zap.01";
constexpr std::string_view kVersion = "1.0";

// The frames of a question, by RFC 27; then come those of the mechanism, for CURVE the key alone.
enum Frame : std::uint8_t { version, request_id, domain, address, identity, mechanism, client_key };
constexpr std::size_t kCurveFrames = client_key + 1;

std::string_view view(const zmq::message_t& frame) { return {frame.data<char>(), frame.size()}; }

std::optional<std::string> to_z85(const zmq::message_t& key) {
  constexpr std::size_t kBytes = 32;
  std::array<char, 41> text{};
  if (key.size() != kBytes) return std::nullopt;
  zmq_z85_encode(text.data(), key.data<std::uint8_t>(), kBytes);
  return text.data();
}

}  // namespace

ZapAuthenticator::ZapAuthenticator(zmq::context_t& context)
    : socket_(context, zmq::socket_type::rep) {
  socket_.set(zmq::sockopt::linger, 0);
  socket_.bind(kEndpoint);
}

void ZapAuthenticator::guard(const std::string& domain, Admission admission, Refusals& refusals) {
  const std::lock_guard lock(mutex_);
  doors_.insert_or_assign(domain, Door{std::move(admission), &refusals});
}

void ZapAuthenticator::admit(const std::string& domain, Admission admission) {
  const std::lock_guard lock(mutex_);
  doors_.at(domain).admission = std::move(admission);
}

void ZapAuthenticator::answer() {
  std::vector<zmq::message_t> question(1);
  while (socket_.recv(question.front(), zmq::recv_flags::dontwait)) {
    while (question.back().more())
      if (!socket_.recv(question.emplace_back())) return;
    const auto verdict = judge(question);
    const auto id = question.size() > request_id ? view(question[request_id]) : std::string_view();
    // Version, request, status, text, the peer's name (none is needed), metadata (none).
    for (const auto frame : {kVersion, id, verdict.status, verdict.text, std::string_view()})
      socket_.send(zmq::buffer(frame), zmq::send_flags::sndmore);
    socket_.send(zmq::message_t(), zmq::send_flags::none);
    question.clear();
    question.emplace_back();
  }
}

ZapAuthenticator::Verdict ZapAuthenticator::judge(const std::vector<zmq::message_t>& question) {
  if (question.size() < kCurveFrames || view(question[version]) != kVersion)
    return {"500", "Malformed request"};
  const auto key = to_z85(question[client_key]);
  const std::lock_guard lock(mutex_);
  const auto door = doors_.find(view(question[domain]));
  if (door == doors_.end() || view(question[mechanism]) != "CURVE" || !key)
    return {"400", "Not admitted"};
  if (door->second.admission.admits(*key)) return {"200", "OK"};
  door->second.refusals->note(view(question[address]), "unknown_key", *key);
  return {"400", "Not admitted"};
}

}  // namespace bpx::bridge
