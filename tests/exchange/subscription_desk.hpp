#pragma once

#include "tests/exchange/client_request.hpp"
#include "tests/exchange/envelope.hpp"
#include "tests/exchange/exchange_options.hpp"
#include "tests/exchange/signature.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::exchange {

/// What a request leads to: streams that begin or end, and what the client is told about it.
struct Verdict {
  std::vector<std::string> subscribed = {};
  std::vector<std::string> unsubscribed = {};
  std::vector<SharedMessage> replies = {};
};

/// Decides on requests: what the exchange documents, and by `Quirks` what it leaves open.
/// Knows nothing of connections; each request is judged by itself.
class SubscriptionDesk {
 public:
  // 4003 and 4006 were captured. The others are assumptions: what they refuse was never seen.
  static constexpr int kInvalidRequest = 4000;
  static constexpr int kInvalidMethod = 4001;
  static constexpr int kInvalidSignature = 4003;
  static constexpr int kInvalidStream = 4006;
  static constexpr int kTooManyStreams = 4010;

  /// A request above this many bytes is answered by `kInvalidRequest`. The exchange's own limit is
  /// not known; this one holds some 30,000 names.
  static constexpr std::size_t kLongestRequest = std::size_t{1} << 20U;

  using Room = std::function<bool(const std::vector<std::string>& streams)>;

  SubscriptionDesk(Quirks quirks, SignatureCheck signatures,
                   std::function<bool(std::string_view)> stream_exists);

  /// `text` as received; `now_us` is the exchange's clock, Unix microseconds.
  /// `have_room` says whether a client may have these streams too.
  Verdict decide(
      std::string_view text, std::int64_t now_us,
      const Room& have_room = [](const auto&) { return true; }) const;

  /// While on, no signature is good enough.
  void reject_signatures(bool on) { rejects_signatures_ = on; }
  bool rejects_signatures() const { return rejects_signatures_; }

 private:
  Verdict decide(const ClientRequest& request, std::int64_t now_us, const Room& have_room) const;
  bool authorised(const ClientRequest& request, std::int64_t now_us) const;
  SharedMessage overflow(const ClientRequest& request) const;
  SharedMessage refusal(const ClientRequest& request, int code, std::string_view message) const;

  Quirks quirks_;
  SignatureCheck signatures_;
  std::function<bool(std::string_view)> stream_exists_;
  bool rejects_signatures_ = false;
};

}  // namespace bpx::exchange
