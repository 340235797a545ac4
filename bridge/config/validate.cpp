#include "bridge/config/validate.hpp"

#include "bridge/config/curve_key.hpp"
#include "bridge/config/curve_settings.hpp"
#include "bridge/config/endpoint.hpp"
#include "bridge/config/jetstream_settings.hpp"
#include "bridge/config/proxy.hpp"
#include "bridge/one_line.hpp"
#include "bridge/readable_file.hpp"
#include "proto/signing_key.hpp"
#include "proto/stream_name.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace bpx::bridge {
namespace {

std::string indexed(const std::string& path, std::size_t index) {
  return path + '[' + std::to_string(index) + ']';
}

std::string printable(std::string_view text) { return '"' + one_line(text) + '"'; }

bool can_end_a_topic(std::string_view terminator) {
  constexpr std::string_view kFit = "|!#$%&*+,:;<=>?@^~/ ";
  return terminator.size() == 1 && kFit.find(terminator) != std::string_view::npos;
}

class Validation {
 public:
  Validation(const Config& config, Problems& problems) : config_(config), problems_(problems) {}

  void run() {
    check_upstream();
    check_canary();
    check_streams();
    check_on_demand();
    check_endpoints();
    validate_curve(config_, problems_);
    check_topics();
    check_books();
    validate_jetstream(config_, problems_);
    check_http_and_log();
  }

 private:
  void note(std::string path, std::string wrong, std::string mend) {
    problems_.push_back({std::move(path), std::move(wrong), std::move(mend)});
  }

  void check_url(const std::string& path, const std::string& text, const std::string& scheme) {
    const auto url = parse_exchange_url(text, scheme);
    const auto plain = scheme.substr(0, scheme.size() - 1);
    if (!url)
      note(path, "is not a " + scheme + ":// address of a host",
           "give " + scheme + "://HOST[:PORT][/PATH], without user name or fragment");
    else if (!url->is_tls && !url->is_loopback())
      note(path, plain + ":// without TLS leads beyond loopback",
           "use " + scheme + "://; market data and signatures do not travel in the clear");
  }

  void check_upstream() {
    const auto& upstream = config_.upstream;
    check_url("upstream.url", upstream.url, "wss");
    check_url("upstream.rest_url", upstream.rest_url, "https");
    if (!upstream.proxy.empty() && upstream.proxy != "none" && !parse_proxy_url(upstream.proxy))
      note("upstream.proxy", "is not the http:// address of a proxy",
           "give http://[USER:PASSWORD@]HOST:PORT with escapes such as %40 for an @ in USER or "
           "PASSWORD, or none");
    check_ca_file(upstream.ca_file);
    if (upstream.backoff_max_ms < upstream.backoff_initial_ms)
      note("upstream.backoff_max_ms", "is less than upstream.backoff_initial_ms",
           "raise it to at least " + std::to_string(upstream.backoff_initial_ms));
  }

  /// Whether it holds certificates is TLS's to say.
  void check_ca_file(const std::string& path) {
    if (path.empty()) return;
    ReadableFile file(path, ReadableFile::Kind::regular);
    std::string first;
    const bool is_readable = file.is_open() && file.read_into(first, 1);
    if (is_readable && !first.empty()) return;
    note("upstream.ca_file",
         printable(path) + ' ' + std::string(is_readable ? "is empty" : file.fault()),
         "give the path of a PEM file of trust anchors, or leave it out");
  }

  void check_canary() {
    const auto& canary = config_.upstream.canary;
    if (canary.empty()) return;
    const auto fault = proto::StreamName::fault_of(canary);
    if (fault || proto::is_private_stream(canary))
      note(
          "upstream.canary",
          printable(canary) + (fault ? ": " + std::string(*fault) : " is a private stream"),
          "give a public stream that ticks each second, such as ticker.SOL_USDC, or \"\" for none");
  }

  void check_streams() {
    const auto& streams = config_.upstream.streams;
    if (streams.empty() && !config_.upstream.on_demand.enabled)
      note("upstream.streams", "no stream is wanted",
           R"(list some, such as ["trade.SOL_USDC"], or use --stream)");
    for (std::size_t i = 0; i < streams.size(); ++i) {
      const auto path = indexed("upstream.streams", i);
      if (proto::is_base64_of_32_bytes(streams[i]) ||
          proto::is_base64_of_32_bytes(streams[i] + '=') ||  // copied without its padding
          is_curve_key(streams[i]))
        note(path, "looks like a key", "give the exact name of a stream, such as trade.SOL_USDC");
      else if (const auto fault = proto::StreamName::fault_of(streams[i]))
        note(path, printable(streams[i]) + ": " + std::string(*fault),
             "give the exact name of a stream, such as trade.SOL_USDC");
      else
        check_terminator(path, streams[i]);
    }
  }

  void check_terminator(const std::string& path, const std::string& stream) {
    const auto& terminator = config_.publish.topic_terminator;
    if (can_end_a_topic(terminator) && stream.find(terminator) != std::string::npos)
      note(path, printable(stream) + " contains publish.topic_terminator",
           "give a terminator that no stream name has, such as |");
  }

  void check_on_demand() {
    const auto& [enabled, allow, linger_ms] = config_.upstream.on_demand;
    if (enabled && allow.empty())
      note("upstream.on_demand.allow", "is empty, so that no consumer could bring anything about",
           R"(list globs of the streams that consumers may bring about, such as ["trade.*"])");
    if (!enabled && !allow.empty())
      note("upstream.on_demand.allow", "has no effect while upstream.on_demand.enabled is false",
           "set that to true, or leave this out");
    for (std::size_t i = 0; i < allow.size(); ++i)
      if (allow[i].empty())
        note(indexed("upstream.on_demand.allow", i), "is an empty text",
             "give a glob or remove it");
      else if (const auto fault = proto::StreamName::fault_of(allow[i]))
        note(indexed("upstream.on_demand.allow", i),
             printable(allow[i]) + " fits no name: " + std::string(*fault),
             "give a glob of streams, such as trade.*");
  }

  void check_endpoints() {
    const auto& publish = config_.publish;
    check_binds("publish.public.bind", publish.public_.bind);
    check_binds("publish.private.bind", publish.private_.bind);

    const bool wants_private = wants_private_streams(config_);
    if (wants_private && publish.private_.bind.empty())
      note("publish.private.bind", "is empty, but an account.* stream is wanted",
           "give an endpoint of its own, such as tcp://127.0.0.1:5556");
    const auto is_public = [](const auto& name) { return !proto::is_private_stream(name); };
    const bool wants_public = std::ranges::any_of(config_.upstream.streams, is_public) ||
                              std::ranges::any_of(config_.upstream.on_demand.allow, is_public);
    if (wants_public && publish.public_.bind.empty())
      note("publish.public.bind", "is empty, but a public stream is wanted",
           "give an endpoint, such as tcp://127.0.0.1:5555");

    if (!publish.private_.allow_plaintext && publish.private_.curve.secret_key_file.empty())
      check_private_binds_are_local();
  }

  void check_private_binds_are_local() {
    const auto& binds = config_.publish.private_.bind;
    for (std::size_t i = 0; i < binds.size(); ++i) {
      const auto address = parse_zmq_endpoint(binds[i]);
      if (address && !address->is_local())
        note(indexed("publish.private.bind", i),
             printable(binds[i]) + " shows account data in the clear beyond this machine",
             "encrypt it with publish.private.curve, bind to 127.0.0.1, or accept it with "
             "publish.private.allow_plaintext");
      if (address && address->is_abstract)
        note(indexed("publish.private.bind", i),
             printable(binds[i]) + " has no file whose permissions would guard account data",
             "give a path, encrypt it with publish.private.curve, or accept it with "
             "publish.private.allow_plaintext");
    }
  }

  void check_binds(const std::string& path, const std::vector<std::string>& binds) {
    for (std::size_t i = 0; i < binds.size(); ++i) {
      const auto place = indexed(path, i);
      const auto address = parse_zmq_endpoint(binds[i]);
      if (is_ipc_path_too_long(binds[i])) {
        note(place, printable(binds[i]) + " has a path that is too long for a socket",
             "give one of " + std::to_string(kMaxIpcPath) + " bytes at most");
        continue;
      }
      if (!address) {
        note(place, printable(binds[i]) + " is not an endpoint to bind",
             "give tcp://ADDRESS:PORT or ipc://PATH");
        continue;
      }
      if (!address->can_be_bound())
        note(place, printable(binds[i]) + " is neither an address nor an interface of this machine",
             "give a numeric address such as 127.0.0.1, an interface such as eth0, or *");
      if (address->is_chosen_by_system()) continue;
      const auto [taken, is_new] = bound_.emplace(address->place(), place);
      if (!is_new)
        note(place, printable(binds[i]) + " is taken by " + taken->second,
             address->is_ipc ? "use another path" : "use another port");
    }
  }

  void check_topics() {
    const auto& publish = config_.publish;
    const auto& terminator = publish.topic_terminator;
    if (!terminator.empty() && !can_end_a_topic(terminator))
      note("publish.topic_terminator", printable(terminator) + " does not end a topic",
           "give one character that no stream name has, such as |");
  }

  void check_books() {
    const auto& books = config_.publish.books;
    const auto& upstream = config_.upstream;
    const std::set<std::string_view> wanted(upstream.streams.begin(), upstream.streams.end());
    std::set<std::string_view> listed;
    for (std::size_t i = 0; i < books.size(); ++i) {
      const auto place = indexed("publish.books", i);
      const auto name = proto::StreamName::parse(books[i]);
      if (!name || name->type() != "depth" || name->symbol().empty())
        note(place, printable(books[i]) + " is not a depth stream",
             "give the exact name of one, such as depth.SOL_USDC");
      else if (!wanted.contains(books[i]) && !upstream.on_demand.enabled)
        note(place, printable(books[i]) + " is not among upstream.streams", "add it there too");
      else if (!wanted.contains(books[i]))
        check_terminator(place, books[i]);
      if (!listed.insert(books[i]).second)
        note(place, printable(books[i]) + " is listed twice", "leave it out here");
    }
  }

  void check_http_and_log() {
    if (!parse_socket_address(config_.http.bind))
      note("http.bind", printable(config_.http.bind) + " is not an address and a port",
           "give ADDRESS:PORT, such as 127.0.0.1:9464 or [::1]:9464");
    constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info", "warn", "error"};
    if (std::ranges::find(kLevels, config_.log.level) == kLevels.end())
      note("log.level", printable(config_.log.level) + " is not a level",
           "give trace, debug, info, warn or error");
    if (config_.log.format != "text" && config_.log.format != "json")
      note("log.format", printable(config_.log.format) + " is not a format", "give text or json");
  }

  const Config& config_;
  Problems& problems_;
  std::map<std::string, std::string> bound_;  ///< place → the key of what binds it
};

}  // namespace

void validate(const Config& config, Problems& problems) { Validation(config, problems).run(); }

bool wants_private_streams(const Config& config) {
  return std::ranges::any_of(config.upstream.streams, proto::is_private_stream) ||
         std::ranges::any_of(config.upstream.on_demand.allow, proto::is_private_stream);
}

}  // namespace bpx::bridge
