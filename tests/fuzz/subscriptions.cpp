// Whatever the exchange answers, in whatever order: every letter is an event of one connection or
// more, digits name streams and requests.
//
//   O connection opened    N ask for the next requests    D4 data of stream 4
//   P4 the fence behind request 4 comes back
//   C connection closed    . 50 ms pass, : 5 s            A4 request 4 acknowledged
//   E error, nameless      S signature refused            X other error, nameless
//   e4 error about request 4                              s4 signature of request 4 refused
//   W4 visitor 4 wanted    U4 visitor 4 wanted no more    d4 data of visitor 4
//   F more come and go than are remembered
#include "bridge/upstream/subscriptions.hpp"

#include "proto/stream_name.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <functional>
#include <set>

namespace {

using namespace std::chrono_literals;
using bpx::bridge::StreamState;
using bpx::bridge::Subscriptions;
using bpx::fuzz::require;

constexpr std::size_t kBatch = 3;
constexpr std::size_t kAtOnce = 5;
constexpr std::size_t kConsumers = 4;  ///< who want visitors
constexpr std::int64_t kInvalidSignature = 4003;
constexpr std::int64_t kInvalidStream = 4006;
constexpr std::int64_t kAnother = 5000;

const std::vector<std::string> kStreams = {
    "trade.0", "account.orderUpdate", "trade.2", "trade.3", "account.balanceUpdate", "depth.5",
    "depth.6", "bookTicker.7",        "trade.8", "trade.9"};

/// Wanted for a while alone.
const std::vector<std::string> kVisitors = {
    "ticker.0", "account.positionUpdate", "ticker.2", "ticker.3", "ticker.4",
    "ticker.5", "account.rfqUpdate",      "ticker.7", "ticker.8", "ticker.9"};

/// It is asked for though nobody wants it.
const auto& kCanary = kVisitors.front();

/// Beyond what is remembered of what is wanted no more.
constexpr std::size_t kFlood = 1'100;
constexpr int kMaxFloods = 5;  // so that a run stays short
/// What may be remembered at any time.
constexpr std::size_t kRemembered = 4'000;

class Play {
 public:
  void run(std::string_view events) {
    for (std::size_t i = 0; i < events.size(); ++i) {
      const auto next = i + 1 < events.size() ? events[i + 1] : '0';
      happen(events[i], next >= '0' && next <= '9' ? static_cast<std::size_t>(next - '0') : 0);
      require_rejections();
      require_sums();
    }
    is_open_ ? require_nothing_lost_in_peace() : happen('O', 0);
    happen('C', 0);
    require_everything_asked_for_anew();
  }

 private:
  void happen(char event, std::size_t number) {
    switch (event) {
      case 'O':
        subscriptions_.connection_opened(kAtOnce);
        is_open_ = true;
        asked_.clear();
        break;
      case 'C':
        subscriptions_.connection_closed();
        is_open_ = false;
        break;
      case 'N': take_requests(); break;
      case '.': now_ += 50ms; break;
      case ':': now_ += 5s; break;
      case 'D': subscriptions_.on_data(kStreams[number]); break;
      case 'P':
        subscriptions_.on_fence(last_id_ - std::min<std::uint64_t>(last_id_, number), now_);
        break;
      case 'A': subscriptions_.on_acknowledgement(last_id_ - number); break;
      case 'E': fail(std::nullopt, kInvalidStream); break;
      case 'S': fail(std::nullopt, kInvalidSignature); break;
      case 'X': fail(std::nullopt, kAnother); break;
      case 'e': fail(last_id_ - number, kInvalidStream); break;
      case 's': fail(last_id_ - number, kInvalidSignature); break;
      case 'W':
        subscriptions_.want(kVisitors[number], last_id_ % kConsumers);
        visiting_.insert(kVisitors[number]);
        break;
      case 'U':
        subscriptions_.unwant(kVisitors[number]);
        visiting_.erase(kVisitors[number]);
        break;
      case 'd': subscriptions_.on_data(kVisitors[number]); break;
      case 'F': flood(); break;
      default: break;
    }
  }

  void flood() {
    if (++floods_ > kMaxFloods) return;
    for (std::size_t i = 0; i < kFlood; ++i) {
      const auto name = "kline." + std::to_string(floods_) + '.' + std::to_string(i);
      subscriptions_.want(name);
      if (i % 100 == 0) take_requests();
      subscriptions_.unwant(name);
      require(!subscriptions_.state_of(name), "what is given up is not wanted");
    }
    require(subscriptions_.streams().size() < kRemembered, "what came and went is forgotten");
  }

  void fail(std::optional<std::uint64_t> id, std::int64_t code) {
    // Without a connection nobody answers.
    if (!is_open_) return;
    subscriptions_.on_error(id, code, "refused", now_);
  }

  void require_rejections() {
    for (const auto& rejection : subscriptions_.take_rejections())
      if (const auto state = subscriptions_.state_of(rejection.stream))
        require(state == StreamState::rejected, "what is announced as rejected is rejected");
  }

  void take_requests() {
    constexpr int kEnough = 100;
    for (int i = 0; i < kEnough && is_open_; ++i) {
      const auto request = subscriptions_.next_request(now_);
      if (!request) return;
      require_well_formed(*request);
    }
    require(!is_open_, "requests come to an end");
  }

  void require_well_formed(const Subscriptions::Request& request) {
    require(request.id > last_id_, "ids go up");
    last_id_ = request.id;
    require(!request.streams.empty() && request.streams.size() <= kBatch, "a batch is bounded");
    for (const auto& stream : request.streams) {
      require(bpx::proto::is_private_stream(stream) == request.is_private,
              "a request is wholly private or wholly public");
      if (!request.is_end) asked_.emplace(stream);
    }
    require(
        std::set(request.streams.begin(), request.streams.end()).size() == request.streams.size(),
        "a request names no stream twice");
  }

  void require_sums() const {
    for (const auto& stream : kStreams)
      require(subscriptions_.state_of(stream) == states_.at(stream), "every change is told");
    for (const auto& stream : kVisitors)
      require(subscriptions_.state_of(stream).has_value() == visiting_.contains(stream),
              "who visits is wanted, no one else");
    require(count_if([](StreamState) { return true; }) == kStreams.size() + visiting_.size(),
            "nothing else is wanted");
  }

  /// How many of what is wanted are in such a state.
  std::size_t count_if(const std::function<bool(StreamState)>& is_such) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(subscriptions_.streams(), [&](const auto& entry) {
          const auto state = subscriptions_.state_of(entry.first);
          return state && is_such(*state);
        }));
  }

  /// From now on the exchange says nothing, which is how it accepts.
  void wait_until_settled() {
    constexpr int kEnough = 1'000;
    for (int i = 0; i < kEnough; ++i) {
      take_requests();
      const auto deadline = subscriptions_.next_deadline();
      if (!deadline) return;
      now_ = std::max(now_, *deadline);
    }
    require(false, "in peace there comes an end");
  }

  void require_nothing_lost_in_peace() {
    wait_until_settled();
    require_sums();
    require(count_if([](StreamState state) { return state == StreamState::waiting; }) == 0,
            "no stream is forgotten");
  }

  void require_everything_asked_for_anew() {
    happen('O', 0);
    wait_until_settled();
    require_sums();
    const std::size_t canary = visiting_.contains(kCanary) ? 0 : 1;
    require(asked_.size() == kStreams.size() + visiting_.size() + canary,
            "a new connection asks for everything that is wanted");
    const auto is_requested = [](StreamState state) {
      return state == StreamState::requested || state == StreamState::live;
    };
    require(count_if(is_requested) == kStreams.size() + visiting_.size(),
            "what nobody refuses is requested");
  }

  static std::map<std::string, StreamState, std::less<>> all_waiting() {
    std::map<std::string, StreamState, std::less<>> states;
    for (const auto& stream : kStreams) states[stream] = StreamState::waiting;
    return states;
  }

  std::map<std::string, StreamState, std::less<>> states_ = all_waiting();
  Subscriptions subscriptions_{{.batch = kBatch,
                                .canary = kCanary,
                                .on_change =
                                    [this](std::string_view stream, StreamState state) {
                                      if (const auto told = states_.find(stream);
                                          told != states_.end())
                                        told->second = state;
                                    }},
                               kStreams};
  Subscriptions::TimePoint now_{1h};
  bool is_open_ = false;
  std::uint64_t last_id_ = 0;
  std::set<std::string> asked_;  ///< on this connection
  std::set<std::string> visiting_;
  int floods_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr std::size_t kMaxEvents = 400;
  Play().run(bpx::fuzz::text_of(bytes, std::min(size, kMaxEvents)));
  return 0;
}
