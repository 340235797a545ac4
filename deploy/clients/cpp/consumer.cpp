// A consumer of backpack-bridge that misses nothing: your code goes into Stream::deliver. Usage,
// output and the reasons are those of python/consumer.py, which says more.
//
// Copy this file and proto/message_header.{hpp,cpp}, which stand alone. On Debian 12, from the top
// of the project: apt install g++ cppzmq-dev libzmq3-dev nlohmann-json3-dev
//   g++ -std=c++20 -O2 -I. -c deploy/clients/cpp/consumer.cpp proto/message_header.cpp
//   g++ consumer.o message_header.o -lzmq -o consumer

#include "proto/message_header.hpp"

#include <nlohmann/json.hpp>
#include <zmq.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <fstream>
#include <iostream>
#include <limits>
#include <list>
#include <map>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

using bpx::proto::MessageHeader;
using Json = nlohmann::json;
using Level = std::pair<std::string, std::string>;  // price and quantity as the exchange wrote them

// Without an answer, then ask again; then after twice as long each time.
constexpr std::chrono::milliseconds kPatience{1'000}, kLongestPatience{16'000};
constexpr std::chrono::seconds kSilence{3};  // of the bridge, then nothing is up to date
// From one request to the next: the bridge serves 100 a second to all consumers.
constexpr std::chrono::milliseconds kPace{20};
constexpr std::chrono::minutes kLongestQuiet{10};  // then a quiet stream is asked at the latest
// Between two looks at the clock; what goes beyond was a halt.
constexpr std::chrono::milliseconds kLongestTurn{100};
constexpr std::size_t kMostWaiting = 100'000;  // live messages of a stream
// Of a side that has a horizon, then a book that reaches further is asked for.
constexpr std::size_t kFewestLevels = 250;
constexpr auto kNoBook = std::numeric_limits<std::uint64_t>::max();

volatile std::sig_atomic_t going = 1;

// Tells for how long this has run: what comes while it is halted is not late, but to be read.
struct Clock {
  using Steady = std::chrono::steady_clock;
  using duration = Steady::duration;
  using time_point = std::chrono::time_point<Clock, duration>;

  static time_point now() {
    static auto seen = Steady::now();
    static time_point ran;
    const auto before = std::exchange(seen, Steady::now());
    return ran += std::min<duration>(seen - before, kLongestTurn);
  }
};

// Where a side has a horizon, nothing is known of the prices beyond it.
struct Book {
  std::map<double, Level> asks, bids;
  double highest = HUGE_VAL, lowest = -HUGE_VAL;

  void apply(std::map<double, Level>& side, const Json& levels) {
    if (levels.is_null()) return;  // the side has not changed
    for (const auto& level : levels.get<std::vector<Level>>()) {
      const auto price = std::stod(level.first);
      if (&side == &asks ? price > highest : price < lowest) continue;
      if (std::stod(level.second) == 0)
        side.erase(price);
      else
        side[price] = level;
    }
  }
  void see(const Json& horizon) {
    if (horizon.contains("asks")) highest = std::stod(horizon["asks"].get<std::string>());
    if (horizon.contains("bids")) lowest = std::stod(horizon["bids"].get<std::string>());
  }
  bool runs_short() const {
    return (highest != HUGE_VAL && asks.size() < kFewestLevels) ||
           (lowest != -HUGE_VAL && bids.size() < kFewestLevels);
  }
  void apply(const Json& ask_levels, const Json& bid_levels) {
    apply(asks, ask_levels);
    apply(bids, bid_levels);
  }
  Json json() const {
    Json sides{{"asks", Json::array()}, {"bids", Json::array()}};
    for (const auto& [price, level] : asks) sides["asks"].push_back(Json(level));
    for (const auto& [price, level] : bids) sides["bids"].push_back(Json(level));
    return sides;
  }
};

class Stream;

// The socket, and whose each topic is that it has subscribed to.
struct Subscriptions {
  zmq::socket_t& socket;
  std::unordered_map<std::string, Stream*> streams;

  void begin(const std::string& topic, Stream& stream) {
    streams[topic] = &stream;
    socket.set(zmq::sockopt::subscribe, topic);
  }
  void end(const std::string& topic) {
    streams.erase(topic);
    socket.set(zmq::sockopt::unsubscribe, topic);
  }
};

// Subscriptions to topics that nobody else uses: the answer comes under the last, or, where it is
// late after all, under the one before.
class Request {
 public:
  Request(Subscriptions& subscriptions, Stream& stream)
      : subscriptions_(subscriptions), stream_(stream) {}

  bool is(std::string_view topic) const {
    return std::ranges::find(topics_, topic) != topics_.end();
  }
  bool is_open() const { return is_open_; }
  bool is_due(Clock::time_point dry_at) const { return is_open_ && dry_at > due_; }
  void wait() { due_ = Clock::now() + patience_; }
  void want() {  // it is due as soon as its turn comes
    end();
    is_open_ = true;
    due_ = Clock::time_point::min();
    patience_ = kPatience / 2;
  }
  void ask(const std::string& question) {
    static std::random_device random;
    if (topics_.size() == 2) leave_first();
    auto& topic = topics_.emplace_back(question);
    for (int i = 0; i < 3; ++i) topic += (i == 0 ? '/' : '-') + std::to_string(random());
    subscriptions_.begin(topic, stream_);
    patience_ = std::min<Clock::duration>(2 * patience_, kLongestPatience);
    wait();
  }
  void end() {
    while (!topics_.empty()) leave_first();
    is_open_ = false;
  }

 private:
  void leave_first() {
    subscriptions_.end(topics_.front());
    topics_.pop_front();
  }

  Subscriptions& subscriptions_;
  Stream& stream_;
  std::deque<std::string> topics_;  // that it has been asked by
  bool is_open_ = false;
  Clock::time_point due_;
  Clock::duration patience_{};
};

class Stream {
 public:
  Stream(Subscriptions& subscriptions, std::string name, std::uint64_t epoch,
         std::uint64_t sequence, bool has_book, Clock::duration quiet)
      : name_(std::move(name)),
        epoch_(epoch),
        next_(sequence + 1),
        has_book_(has_book),
        quiet_(quiet),
        replay_(subscriptions, *this),
        book_request_(subscriptions, *this) {
    subscriptions.begin(name_, *this);
    replay_.want();
    ask_book();
    was_heard();
  }

  Stream(const Stream&) = delete;  // its topics lead to it

  void doubt() { in_doubt_ = true; }

  // Whether anything was to be asked; one thing at a time. At dry_at all that had come was read:
  // what was not among it is late, and not only behind what this is too slow to read.
  bool ask(Clock::time_point now, Clock::time_point dry_at) {
    if ((in_doubt_ || dry_at > check_at_) && !replay_.is_open()) {
      patience_ = std::min<Clock::duration>(2 * patience_, kLongestQuiet);
      check_at_ = now + patience_;
      replay_.want();
    }
    if (replay_.is_due(dry_at)) {
      replay_.ask("bridge.replay/" + name_ + '/' + std::to_string(next_));
      in_doubt_ = false;
    } else if (book_request_.is_due(dry_at)) {
      book_request_.ask("bridge.book/" + name_);
    } else {
      return false;
    }
    return true;
  }

  // The bridge says which it is.
  void meet(std::uint64_t epoch) {
    if (epoch_ != 0 && epoch_ != epoch) {  // it was restarted: its sequences begin at 1
      std::cerr << "epoch " << name_ << ' ' << epoch << std::endl;
      next_ = 1;
      holes_ = 0;
      waiting_.clear();
      replay_.want();
      ask_book();
    }
    epoch_ = epoch;
  }

  void take(std::string_view topic, const MessageHeader& header, std::string_view payload) {
    if (topic == name_)
      on_live(header, payload);
    else if (replay_.is(topic))
      on_replayed(header, payload);
    else
      on_book(header, payload);
  }

  void print_book() const {
    if (book_at_ != kNoBook)
      std::cout << "bridge.book/" << name_ << ' ' << epoch_ << ' ' << book_at_ << ' '
                << book_.json().dump() << std::endl;
  }

 private:
  void ask_book() {
    book_at_ = kNoBook;
    if (has_book_) book_request_.want();
  }

  void was_heard() {
    patience_ = quiet_;
    check_at_ = Clock::now() + patience_;
  }

  void on_book(const MessageHeader& header, std::string_view payload) {
    if (payload.empty()) return;  // none is in sync: as good as no answer
    const auto book = Json::parse(payload);
    book_ = {};
    book_.see(book.value("horizon", Json()));
    book_.apply(book["asks"], book["bids"]);
    if (!book_.runs_short()) book_request_.end();  // else as good as no answer, but right so far
    book_id_ = std::stoll(book["lastUpdateId"].get<std::string>());
    book_at_ = header.sequence;
    std::cerr << "book " << name_ << ' ' << book_at_ << std::endl;
  }

  void on_live(const MessageHeader& header, std::string_view payload) {
    if (header.sequence >= next_) waiting_.emplace_back(header, payload);  // if less: known already
    if (waiting_.size() > kMostWaiting) {  // no replay comes: go on without
      replay_.end();
      lose(waiting_.front().first.sequence);
    }
    catch_up();
  }

  // Delivers what follows; what is behind a hole waits for a replay.
  void catch_up() {
    for (; !waiting_.empty() && waiting_.front().first.sequence <= next_; waiting_.pop_front())
      if (const auto& [header, payload] = waiting_.front(); header.sequence == next_)
        deliver(header, payload);
    if (waiting_.empty() || replay_.is_open()) return;
    const auto end = waiting_.front().first.sequence;
    std::cerr << "hole " << name_ << ' ' << next_ << ' ' << end - 1 << std::endl;
    replay_.want();
  }

  void on_replayed(const MessageHeader& header, std::string_view payload) {
    const bool ends = (header.flags & MessageHeader::end_of_replay) != 0;
    auto reaches = ends ? header.sequence + 1 : header.sequence;
    if (!waiting_.empty()) {  // a live one is not missing, and behind the end none before it comes
      const auto first = waiting_.front().first.sequence;
      reaches = ends ? first : std::min(reaches, first);
    }
    if (reaches > next_) {
      // A replay has no holes: either it was lost on the way, or it is kept no more. Then another
      // replay lacks it too.
      if (++holes_ < 2) return replay_.want();
      lose(reaches);
    }
    if (ends) {
      replay_.end();
      // Is it spelled as the bridge spells it, and carried there?
      if (header.sequence == 0) std::cerr << "unknown " << name_ << std::endl;
    } else {
      replay_.wait();
      // After a reconnect in its middle it begins anew.
      if (header.sequence == next_) deliver(header, payload);
    }
    catch_up();
  }

  void lose(std::uint64_t end) {
    std::cerr << "lost " << name_ << ' ' << next_ << ' ' << end - 1 << std::endl;
    next_ = end;
    holes_ = 0;
    if (end - 1 > book_at_) ask_book();
  }

  void deliver(const MessageHeader& header, std::string_view payload) {
    const bool follows_gap = (header.flags & MessageHeader::gap_before) != 0;
    next_ = header.sequence + 1;
    holes_ = 0;
    was_heard();
    std::cout << name_ << ' ' << epoch_ << ' ' << header.sequence << ' ' << payload << std::endl;
    // The exchange was away before.
    if ((header.flags & MessageHeader::first_on_connection) != 0 && header.sequence > 1)
      std::cerr << "reconnected " << name_ << ' ' << header.sequence << std::endl;
    if (follows_gap) std::cerr << "gap " << name_ << ' ' << header.sequence << std::endl;
    if (header.sequence <= book_at_) return;
    if (follows_gap) return ask_book();
    book_at_ = header.sequence;
    try {
      const auto data = Json::parse(payload).at("data");
      const auto id = data.at("u").get<std::int64_t>();
      if (id <= book_id_) return;  // said before
      book_.apply(data.value("a", Json()), data.value("b", Json()));
      book_id_ = id;
      // This one is right until the answer comes.
      if (book_.runs_short() && !book_request_.is_open()) book_request_.want();
    } catch (const std::exception&) {  // not as we know it: who knows what it has changed
      ask_book();
    }
  }

  std::string name_;
  std::uint64_t epoch_;  // 0: no bridge has been seen
  std::uint64_t next_;
  bool has_book_;
  Clock::duration quiet_;       // then it is asked what was lost,
  Clock::duration patience_{};  // and as it stays quiet, after this,
  Clock::time_point check_at_;  // which is then
  bool in_doubt_ = false;       // something may have been lost, and has not been asked for
  // Live messages, for a replay of what precedes them.
  std::deque<std::pair<MessageHeader, std::string>> waiting_;
  int holes_ = 0;  // replays in a row that lacked the next message
  Request replay_;
  Request book_request_;
  Book book_;
  std::uint64_t book_at_ = kNoBook;  // sequence of the last message in it
  std::int64_t book_id_ = 0;         // the exchange's, of its last change
};

void encrypt(zmq::socket_t& socket, const std::string& server_key, const std::string& key_file) {
  std::ifstream file(key_file);
  std::map<std::string, std::string> keys;
  for (std::string name, key; file >> name >> key;) keys[name] = key;
  socket.set(zmq::sockopt::curve_serverkey, server_key);
  socket.set(zmq::sockopt::curve_publickey, keys.at("public_key"));
  socket.set(zmq::sockopt::curve_secretkey, keys.at("secret_key"));
}

int main(int argc, char** argv) {
  std::signal(SIGTERM, [](int) { going = 0; });
  std::signal(SIGINT, [](int) { going = 0; });
  std::map<std::string, std::string> options;
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--book")
      options[argument] = "yes";
    else if (argument.starts_with("--") && i + 1 < argc)
      options[argument] = argv[++i];
    else
      arguments.push_back(argument);
  }
  if (arguments.size() < 2) {
    std::cerr
        << "consumer ENDPOINT STREAM[@EPOCH:SEQUENCE]... [--book] [--quiet SECONDS]\n"
           "         [--behind SECONDS] [--curve-server-key KEY --curve-secret-key-file FILE]\n";
    return 2;
  }

  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::sub);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, 0);  // subscriptions wait here: beyond it they are thrown away
  socket.set(zmq::sockopt::rcvhwm, 0);  // what comes too fast waits here, where nothing is lost
  socket.set(zmq::sockopt::tcp_keepalive, 1);        // the system notices a dead connection
  socket.set(zmq::sockopt::tcp_keepalive_idle, 10);  // seconds
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  if (options.contains("--curve-server-key"))
    encrypt(socket, options["--curve-server-key"], options["--curve-secret-key-file"]);
  socket.connect(arguments[0]);
  socket.set(zmq::sockopt::subscribe, "bridge.status");

  const auto seconds = [&](const std::string& option, double otherwise) {
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
        options.contains(option) ? std::stod(options[option]) : otherwise));
  };
  const auto behind = seconds("--behind", 30);
  Subscriptions subscriptions{socket, {}};
  std::list<Stream> streams;
  for (const auto& argument : std::span(arguments).subspan(1)) {
    const auto at = argument.rfind('@');
    const auto colon = argument.rfind(':');
    const auto name = argument.substr(0, at);
    if (subscriptions.streams.contains(name)) continue;  // it has been named before
    const bool has_position = at != std::string::npos && colon != std::string::npos;
    streams.emplace_back(
        subscriptions, name, has_position ? std::stoull(argument.substr(at + 1)) : 0,
        has_position ? std::stoull(argument.substr(colon + 1)) : 0,
        options.contains("--book") && name.starts_with("depth."), seconds("--quiet", 10));
  }
  socket.set(zmq::sockopt::rcvtimeo, static_cast<int>(kPace.count()));
  std::string state = "connecting", told = state;
  std::uint64_t epoch = 0, statuses = 0;
  Clock::time_point ask_at;
  auto heard = Clock::now();
  auto connected = heard, dry_at = heard, now = heard;
  while (going) {
    const auto was = state;
    const auto before = std::exchange(now, Clock::now());
    zmq::message_t topic, payload, bytes;
    bool has_message = false;
    try {
      has_message = socket.recv(topic, zmq::recv_flags::dontwait).has_value();
      if (epoch != 0 && (!has_message || now > dry_at + behind))
        dry_at = before;  // if this was halted since, what has come is still on its way in
      if (!has_message) has_message = socket.recv(topic).has_value();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
    if (has_message) {
      std::ignore = socket.recv(payload);
      std::ignore = socket.recv(bytes);
      for (zmq::message_t further; socket.get(zmq::sockopt::rcvmore);)
        std::ignore = socket.recv(further);  // of a later version
      const auto header = MessageHeader::decode({bytes.data<std::uint8_t>(), bytes.size()});
      if (!header) throw std::runtime_error("a header of another version");
      if (header->epoch_us != epoch) {
        epoch = header->epoch_us;
        for (auto& stream : streams) stream.meet(epoch);
      }
      if (topic.to_string_view() == "bridge.status") {
        told = Json::parse(payload.to_string_view())["state"];
        if (statuses > 0 && header->sequence > statuses + 1)  // who knows what was lost with them
          for (auto& stream : streams) stream.doubt();
        statuses = header->sequence;
      } else if (const auto stream = subscriptions.streams.find(topic.to_string());
                 stream !=
                 subscriptions.streams.end()) {  // the whole topic: ZeroMQ matches prefixes
        stream->second->take(topic.to_string_view(), *header, payload.to_string_view());
      }
      state = told;  // whatever it says ends its silence
      heard = Clock::now();
    } else if (now > heard + kSilence) {
      state = "silent";
      if (now > connected + kSilence) {  // its connection may be dead without a word
        socket.disconnect(arguments[0]);
        socket.connect(arguments[0]);
        connected = now;
      }
    }
    if (state != was) std::cerr << "bridge " << state << std::endl;
    if (now < ask_at || state == "silent") continue;
    ask_at = now + kPace;
    const auto asked =
        std::ranges::find_if(streams, [&](auto& stream) { return stream.ask(now, dry_at); });
    if (asked != streams.end()) streams.splice(streams.end(), streams, asked);  // the others' turn
  }
  for (const auto& stream : streams) stream.print_book();
}
