#include "bridge/publish/publisher.hpp"

#include "bridge/bind_mend.hpp"
#include "bridge/clock.hpp"
#include "bridge/observe/episode.hpp"
#include "bridge/publish/callers.hpp"
#include "bridge/publish/crowd.hpp"
#include "bridge/publish/doorkeeper.hpp"
#include "bridge/publish/ipc_path.hpp"
#include "bridge/publish/peer_monitor.hpp"
#include "bridge/publish/refusals.hpp"
#include "bridge/publish/scoped_umask.hpp"
#include "bridge/publish/unsent.hpp"
#include "bridge/publish/zap_authenticator.hpp"
#include "bridge/startup_error.hpp"

#include <zmq.hpp>

#include <algorithm>
#include <deque>
#include <optional>
#include <thread>
#include <utility>

namespace bpx::bridge {
namespace {

/// A consumer's longest legitimate request is a replay topic, well below this. What is longer ends
/// the consumer's connection.
constexpr std::int64_t kMaxRequestBytes = 512;

/// Of one consumer. libzmq plants what has come of its requests into its tree of topics, all of it,
/// before the relaying thread has its way again.
constexpr int kRequestsQueued = 100;

/// A consumer that vanished without a word (power cut, dropped route) is noticed by TCP: within 40
/// s where nothing is on its way to it, else when the system gives up sending again. Not by ZMTP's
/// heartbeats, which peers of ZMTP 2 and 3.0 do not answer, nor by a time limit of TCP's for what
/// is not acknowledged, which would end those who only pause.
constexpr int kKeepaliveIdleS = 10;
constexpr int kKeepaliveIntervalS = 10;
constexpr int kKeepaliveCount = 3;

/// libzmq's own limit to the handshake ends peers of ZMTP 2 in the midst of their messages: it
/// stops waiting for them only where it has a mechanism, which they do not. PeerMonitor has
/// another.
constexpr int kNoHandshakeLimit = 0;

constexpr int kBacklog = 1024;

/// Between two looks at the exchange: nobody who floods the bridge with requests holds its messages
/// up.
constexpr int kRequestsAtOnce = 1'000;

/// Long after libzmq's events of a connection's end and of the next one's beginning are read.
constexpr std::int64_t kIsGoneAfterNs = 1'000'000'000;

/// A queue that has been full and is full again within this time has not recovered in between.
constexpr std::chrono::seconds kEpisodeEndsAfter{1};

zmq::socket_t make_socket(zmq::context_t& context, const Publisher::Options& options) {
  zmq::socket_t socket(context, zmq::socket_type::xpub);
  socket.set(zmq::sockopt::sndhwm, options.send_hwm);
  socket.set(zmq::sockopt::rcvhwm, kRequestsQueued);
  // Until the bridge stops, what waits for a consumer ends with its connection. A longer linger
  // here would keep that, and a stop waiting for it, though nobody is there to take it.
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, kMaxRequestBytes);
  socket.set(zmq::sockopt::handshake_ivl, kNoHandshakeLimit);
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, kKeepaliveIdleS);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, kKeepaliveIntervalS);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, kKeepaliveCount);
  socket.set(zmq::sockopt::backlog, kBacklog);
  socket.set(zmq::sockopt::xpub_nodrop, true);  // so that a full queue is noticed: see send()
  socket.set(zmq::sockopt::xpub_verboser, 1);   // so that each consumer's subscription is
  return socket;
}

/// Whoever connects must know the server's public key, and pass the ZapAuthenticator under the name
/// of `domain`.
void close_to_strangers(zmq::socket_t& socket, std::string_view secret_key,
                        const std::string& domain) {
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, secret_key);
  socket.set(zmq::sockopt::zap_domain, domain);
}

/// It cannot be read but by changing it for a moment.
mode_t current_umask() { return ScopedUmask(0077).before(); }

/// What an `ipc://` socket is made with. To connect is to write: public data is for every user, as
/// by TCP on loopback, account data for the bridge's user, and for its group where the umask that
/// the bridge was started with lets it write. Made so, not changed afterwards: at no moment is it
/// open to more, and no path is trusted to lead to the same file twice.
mode_t umask_for(Audience audience) {
  return audience == Audience::account ? current_umask() | 0007 : 0000;
}

/// ZeroMQ takes `*` for a port of the system's choice and 0 as well; it only documents `*`.
std::string to_zmq(const std::string& endpoint) {
  return endpoint.starts_with("tcp://") && endpoint.ends_with(":0")
             ? endpoint.substr(0, endpoint.size() - 1) + '*'
             : endpoint;
}

}  // namespace

class Publisher::Socket {
 public:
  Socket(zmq::context_t& context, const Options& options, const std::vector<std::string>& binds,
         const std::optional<Curve>& curve, ZapAuthenticator* authenticator, Audience audience,
         Attendance::Bounds bounds, std::uint64_t& last_caller, Unsent& unsent,
         EndpointMeasurements& measurements, Log& log)
      : socket_(make_socket(context, options)),
        name_(audience == Audience::account ? "private" : "public"),
        crowd_(name_, curve.has_value(), bounds, measurements, log),
        callers_(last_caller),
        refusals_(name_, measurements.auth_failures, log),
        peers_(context, socket_, name_, crowd_, curve ? &refusals_ : nullptr),
        audience_(audience),
        linger_(options.linger),
        unsent_(unsent),
        measurements_(measurements) {
    if (curve) {
      close_to_strangers(socket_, curve->secret_key, name_);
      authenticator->guard(name_, curve->admission, refusals_);
    }
    for (const auto& endpoint : binds) {
      if (const auto obstacle = obstacle_to_ipc(endpoint))
        throw cannot_bind(endpoint, *obstacle, EADDRINUSE);
      try {
        socket_.set(zmq::sockopt::ipv6, endpoint.starts_with("tcp://["));
        const ScopedUmask permissions(umask_for(audience));
        socket_.bind(to_zmq(endpoint));
      } catch (const zmq::error_t& error) {
        throw cannot_bind(endpoint, error.what(), error.num());
      }
      endpoints_.push_back(socket_.get(zmq::sockopt::last_endpoint));
    }
  }

  const std::string& name() const { return name_; }
  const std::vector<std::string>& endpoints() const { return endpoints_; }

  /// Once destroyed, whoever is connected gets what waits for it.
  void linger() { socket_.set(zmq::sockopt::linger, static_cast<int>(linger_.count())); }

  /// `backlog`: where the message counts while it waits, beside `unsent`; null for nowhere.
  void send(std::string_view topic, std::string_view payload, const proto::MessageHeader& header,
            Backlog* backlog = nullptr) {
    measurements_.messages.add();
    measurements_.bytes.add(payload.size());
    if (!is_anybody_there()) return;
    // The first frame decides for all: where a consumer's queue is full it is refused, once, and
    // then goes to those whose queue is not.
    const bool is_refused = !send_frame(topic.data(), topic.size(), ZMQ_SNDMORE);
    if (is_refused) {
      note_full_queue();
      socket_.set(zmq::sockopt::xpub_nodrop, false);
      send_frame(topic.data(), topic.size(), ZMQ_SNDMORE);
    }
    send_frame(payload.data(), payload.size(), ZMQ_SNDMORE);
    send_frame(unsent_.receipt(header, payload.size(),
                               backlog != nullptr ? backlog->shared_from_this() : nullptr));
    if (is_refused) socket_.set(zmq::sockopt::xpub_nodrop, true);
  }

  bool drain_requests(SubscriptionReceiver& receiver) {
    let_go_of_those_who_left(receiver);
    zmq::message_t request;
    int requests = 0;
    for (; requests < kRequestsAtOnce && socket_.recv(request, zmq::recv_flags::dontwait);
         ++requests) {
      heard_ns_ = steady_ns();
      has_heard_ = true;
      take_in(request, receiver);
    }
    if (requests > 0) return false;
    crowd_.caught_up();
    if (steady_ns() - heard_ns_ > kIsGoneAfterNs) has_heard_ = false;
    return true;
  }

  int request_descriptor() const { return socket_.get(zmq::sockopt::fd); }

  PeerMonitor& peers() { return peers_; }
  Crowd& crowd() { return crowd_; }

 private:
  StartupError cannot_bind(const std::string& endpoint, const std::string& why, int error) const {
    return StartupError("publish." + name_ + ".bind: cannot bind " + endpoint + ": " + why + "; " +
                        std::string(bind_mend(error)));
  }

  /// Returns false where a consumer's queue is full.
  bool send_frame(const void* bytes, std::size_t size, int flags) {
    while (zmq_send(socket_.handle(), bytes, size, flags | ZMQ_DONTWAIT) < 0) {
      if (zmq_errno() == EAGAIN) return false;
      if (zmq_errno() != EINTR) throw zmq::error_t();
    }
    return true;
  }

  void send_frame(zmq::message_t last) {
    while (zmq_msg_send(last.handle(), socket_.handle(), ZMQ_DONTWAIT) < 0)
      if (zmq_errno() != EINTR) throw zmq::error_t();
  }

  void take_in(zmq::message_t& request, SubscriptionReceiver& receiver) {
    const auto caller = callers_.of(request, tell_end_to(receiver));
    const auto subscription = to_subscription(request, caller);
    if (!subscription) return crowd_.requested(caller, ConsumerRequest::other, 0);
    subscription->begins ? begin(*subscription, receiver) : end(*subscription, receiver);
  }

  void begin(Subscription subscription, SubscriptionReceiver& receiver) {
    const auto& caller = subscription.caller;
    subscription.is_repeated = caller.is_known() && !callers_.begin(caller, subscription.topic);
    const bool is_shared = receiver.on_subscription(subscription);
    std::size_t bytes = 0;
    if (!subscription.is_repeated) {
      bytes = is_shared ? Attendance::kSharedTopicBytes
                        : subscription.topic.size() + Attendance::kTopicOverhead;
      if (caller.is_known()) callers_.charge(caller, subscription.topic, bytes);
    }
    crowd_.requested(caller, ConsumerRequest::subscribe, bytes);
  }

  void end(const Subscription& subscription, SubscriptionReceiver& receiver) {
    const auto& caller = subscription.caller;
    if (!caller.is_known()) {
      receiver.on_subscription(subscription);
      return crowd_.requested(caller, ConsumerRequest::unsubscribe, 0);
    }
    const auto charged = callers_.end(caller, subscription.topic);
    if (charged) receiver.on_subscription(subscription);
    crowd_.requested(caller, ConsumerRequest::unsubscribe, charged.value_or(0));
  }

  Callers::OnGone tell_end_to(SubscriptionReceiver& receiver) {
    return [&receiver, audience = audience_](const Caller& caller, const Callers::Topics& topics) {
      for (const auto& [topic, charged] : topics)
        receiver.on_subscription({.audience = audience,
                                  .begins = false,
                                  .topic = topic,
                                  .peer = {},
                                  .caller = caller,
                                  .has_left = true});
    };
  }

  /// A moment after they are known to have left: by then it is known too that somebody has come in
  /// their place, and what they had sent has been read.
  void let_go_of_those_who_left(SubscriptionReceiver& receiver) {
    const auto now = steady_ns();
    for (const auto descriptor : crowd_.take_left()) left_.push_back({descriptor, now});
    for (; !left_.empty() && now - left_.front().since_ns > kIsGoneAfterNs; left_.pop_front()) {
      const auto descriptor = left_.front().descriptor;
      callers_.forget(descriptor, crowd_.is_here(descriptor), tell_end_to(receiver));
    }
  }

  /// A subscription is a byte, 1 at its beginning and 0 at its end, and the topic.
  std::optional<Subscription> to_subscription(zmq::message_t& message, const Caller& caller) const {
    const auto text = message.to_string_view();
    if (text.empty() || (text.front() != '\0' && text.front() != '\1')) return std::nullopt;
    const auto* const peer = zmq_msg_gets(message.handle(), "Peer-Address");
    return Subscription{.audience = audience_,
                        .begins = text.front() == '\1',
                        .topic = text.substr(1),
                        .peer = peer != nullptr ? peer : "",
                        .caller = caller};
  }

  /// Whether anybody is connected who could listen. The count may lag behind what is heard.
  bool is_anybody_there() const { return has_heard_ || measurements_.peers.value() > 0; }

  void note_full_queue() {
    if (full_queue_.begins(steady_ns())) crowd_.queue_is_full();
  }

  zmq::socket_t socket_;
  std::string name_;  ///< public or private
  Crowd crowd_;
  struct Left {
    int descriptor;
    std::int64_t since_ns;
  };

  Callers callers_;
  std::deque<Left> left_;   ///< in the order in which they did
  bool has_heard_ = false;  ///< somebody, of late
  std::int64_t heard_ns_ = 0;
  Refusals refusals_;
  PeerMonitor peers_;
  Audience audience_;
  std::chrono::milliseconds linger_;
  Unsent& unsent_;
  EndpointMeasurements& measurements_;
  Episode full_queue_{kEpisodeEndsAfter};  ///< of a consumer's
  std::vector<std::string> endpoints_;
};

struct Publisher::Sockets {
  explicit Sockets(std::uint64_t queue_bytes) : unsent(std::make_shared<Unsent>(queue_bytes / 2)) {}

  // Shared with the thread that waits for the context's end: until then libzmq gives back to it.
  std::shared_ptr<Unsent> unsent;
  // Declared first, destroyed last: terminating the context waits for the sockets' linger.
  // One I/O thread: PeerMonitor relies on the order of its events.
  zmq::context_t context{1};
  // Where an endpoint has CURVE. Outlives the sockets: libzmq admits everyone where nobody is there
  // to ask, and nobody while it waits for an answer.
  std::optional<ZapAuthenticator> authenticator;
  std::uint64_t last_caller = 0;  ///< see Callers: a caller of one endpoint is no other's
  std::optional<Socket> everyone;
  std::optional<Socket> account;
  std::optional<Doorkeeper> doorkeeper;  ///< watches those above
};

Publisher::Publisher(const Options& options, Measurements& measurements, Log& log)
    : sockets_(std::make_unique<Sockets>(options.queue_bytes)) {
  auto& [unsent, context, authenticator, last_caller, everyone, account, doorkeeper] = *sockets_;
  if (options.public_curve || options.private_curve) authenticator.emplace(context);
  auto* const guard = authenticator ? &*authenticator : nullptr;
  std::vector<PeerMonitor*> watched;
  if (!options.public_bind.empty())
    watched.push_back(&everyone
                           .emplace(context, options, options.public_bind, options.public_curve,
                                    guard, Audience::everyone, options.public_bounds, last_caller,
                                    *unsent, measurements.everyone, log)
                           .peers());
  if (!options.private_bind.empty())
    watched.push_back(&account
                           .emplace(context, options, options.private_bind, options.private_curve,
                                    guard, Audience::account, options.private_bounds, last_caller,
                                    *unsent, measurements.account, log)
                           .peers());
  std::vector<SocketFile> files;
  for (const auto audience : {Audience::everyone, Audience::account})
    for (const auto& endpoint : endpoints(audience))
      if (auto file = SocketFile::of(endpoint)) files.push_back(std::move(*file));
  doorkeeper.emplace(context, std::move(watched), guard,
                     Queues(*unsent, options.queue_bytes, measurements.queued_bytes),
                     std::move(files), log);
}

Publisher::~Publisher() = default;

Publisher::Socket* Publisher::socket(Audience audience) const {
  auto& socket = audience == Audience::account ? sockets_->account : sockets_->everyone;
  return socket ? &*socket : nullptr;
}

bool Publisher::serves(Audience audience) const { return socket(audience) != nullptr; }

void Publisher::publish(Audience audience, std::string_view topic, std::string_view payload,
                        const proto::MessageHeader& header) {
  if (auto* const to = socket(audience)) {
    to->send(topic, payload, header);
    watch_the_queues();
  }
}

void Publisher::publish_answer(Audience audience, std::string_view topic, std::string_view payload,
                               const proto::MessageHeader& header, Backlog& backlog) {
  if (auto* const to = socket(audience)) {
    to->send(topic, payload, header, &backlog);
    watch_the_queues();
  }
}

void Publisher::watch_the_queues() {
  if (sockets_->unsent->is_alarming()) sockets_->doorkeeper->hurry();
}

bool Publisher::drain_requests(SubscriptionReceiver& receiver) {
  bool is_quiet = true;
  for (const auto audience : {Audience::everyone, Audience::account})
    if (auto* from = socket(audience); from != nullptr && !from->drain_requests(receiver))
      is_quiet = false;
  return is_quiet;
}

std::vector<int> Publisher::request_descriptors() const {
  std::vector<int> descriptors;
  for (const auto audience : {Audience::everyone, Audience::account})
    if (const auto* of = socket(audience)) descriptors.push_back(of->request_descriptor());
  return descriptors;
}

void Publisher::admit(Audience audience, Admission admission) {
  if (const auto* to = socket(audience))
    sockets_->authenticator->admit(to->name(), std::move(admission));
}

void Publisher::bound_connections(std::size_t most) {
  const auto for_account = !sockets_->everyone ? most : sockets_->account ? most / 4 : 0;
  if (sockets_->account) sockets_->account->crowd().bound(std::max<std::size_t>(for_account, 1));
  if (sockets_->everyone) sockets_->everyone->crowd().bound(most - for_account);
}

std::vector<std::string> Publisher::endpoints(Audience audience) const {
  const auto* bound = socket(audience);
  return bound != nullptr ? bound->endpoints() : std::vector<std::string>{};
}

std::string Publisher::library_version() {
  const auto [major, minor, patch] = zmq::version();
  return std::to_string(major) + '.' + std::to_string(minor) + '.' + std::to_string(patch);
}

std::future<void> Publisher::close() {
  sockets_->doorkeeper.reset();
  for (auto* const socket : {&sockets_->everyone, &sockets_->account}) {
    if (*socket) (*socket)->linger();
    socket->reset();
  }
  sockets_->authenticator.reset();
  std::promise<void> promise;
  auto sent = promise.get_future();
  // Nothing cuts libzmq's waiting short: it has a thread that nobody needs to wait for.
  try {
    std::thread([unsent = sockets_->unsent, context = std::move(sockets_->context),
                 promise = std::move(promise)]() mutable {
      context.close();
      promise.set_value();
    }).detach();
  } catch (const std::system_error&) {
    // Where no thread can be had, the context is gone already, and what it waited for with it.
  }
  return sent;
}

}  // namespace bpx::bridge
