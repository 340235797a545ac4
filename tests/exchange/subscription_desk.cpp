#include "tests/exchange/subscription_desk.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace bpx::exchange {
namespace {

bool is_private(std::string_view stream) { return stream.starts_with("account."); }

}  // namespace

SubscriptionDesk::SubscriptionDesk(Quirks quirks, SignatureCheck signatures,
                                   std::function<bool(std::string_view)> stream_exists)
    : quirks_(quirks),
      signatures_(std::move(signatures)),
      stream_exists_(std::move(stream_exists)) {}

Verdict SubscriptionDesk::decide(std::string_view text, std::int64_t now_us,
                                 const Room& have_room) const {
  if (text.size() > kLongestRequest) {
    return {.replies = {error_message("null", kInvalidRequest, "Request too large")}};
  }
  const auto parsed = parse_client_request(text);
  if (const auto* malformed = std::get_if<MalformedRequest>(&parsed)) {
    return {.replies = {
                error_message("null", kInvalidRequest, "Invalid request: " + malformed->reason)}};
  }
  return decide(std::get<ClientRequest>(parsed), now_us, have_room);
}

Verdict SubscriptionDesk::decide(const ClientRequest& request, std::int64_t now_us,
                                 const Room& have_room) const {
  const bool subscribes = request.method == "SUBSCRIBE";
  if (!subscribes && request.method != "UNSUBSCRIBE") {
    return {.replies = {refusal(request, kInvalidMethod, "Invalid method")}};
  }
  // Who asks comes before what is asked for: nobody unknown learns which names exist.
  if (subscribes && !authorised(request, now_us)) {
    return {.replies = {refusal(request, kInvalidSignature, "Invalid signature")}};
  }

  std::vector<std::string> good;
  std::copy_if(request.params.begin(), request.params.end(), std::back_inserter(good),
               stream_exists_);
  const std::size_t bad = request.params.size() - good.size();
  Verdict verdict;
  if (bad > 0 && quirks_.bad_name_spoils_request) {
    verdict.replies = {refusal(request, kInvalidStream, "Invalid stream")};
    return verdict;
  }
  if (subscribes && !have_room(good)) {
    verdict.replies = {overflow(request)};
    return verdict;
  }
  verdict.replies.assign(bad, refusal(request, kInvalidStream, "Invalid stream"));
  if (bad == 0 && quirks_.acknowledges) {
    verdict.replies.push_back(acknowledgement(request.id_json));
  }
  (subscribes ? verdict.subscribed : verdict.unsubscribed) = std::move(good);
  return verdict;
}

/// A signature covers its whole request. It is looked at only where a private stream is named: the
/// exchange was never seen to refuse a public stream for a signature.
bool SubscriptionDesk::authorised(const ClientRequest& request, std::int64_t now_us) const {
  if (std::none_of(request.params.begin(), request.params.end(), is_private)) return true;
  return !rejects_signatures_ && signatures_.accepts(request.signature, now_us);
}

SharedMessage SubscriptionDesk::overflow(const ClientRequest& request) const {
  if (quirks_.overflow == Quirks::Overflow::data) {
    return data_message(R"({"code":429,"message":"Too many streams"})");
  }
  return error_message(request.id_json, kTooManyStreams, "Too many streams");
}

SharedMessage SubscriptionDesk::refusal(const ClientRequest& request, int code,
                                        std::string_view message) const {
  return error_message(quirks_.errors_echo_id ? request.id_json : "null", code, message);
}

}  // namespace bpx::exchange
