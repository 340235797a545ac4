#include "tests/exchange/command_line.hpp"

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace bpx::exchange {
namespace {

constexpr int kWrongUsage = 2;

/// `max`, or events a second.
std::string check_rate(std::string& text) {
  if (text == "max") text = "inf";
  try {
    std::size_t end = 0;
    const double rate = std::stod(text, &end);
    if (end == text.size() && rate >= 0) return {};
  } catch (const std::exception&) {  // answered below
  }
  return "must be a number from 0 on, or max";
}

}  // namespace

CommandLine parse_command_line(int argc, char** argv) {
  ExchangeOptions options;
  MarketOptions market;
  std::string replay;
  std::int64_t grace_ms = options.close_grace.count();
  std::int64_t ping_ms = options.ping_interval.count();
  std::int64_t pong_ms = options.pong_timeout.count();
  std::int64_t answer_ms = options.quirks.answer_delay.count();
  options.rate = 60;
  options.control = true;

  CLI::App app{
      "A simulated exchange: WebSocket streams and REST on one port, faults on another.\n"
      "Prints one line of JSON with its addresses when it is ready; SIGTERM or SIGINT close\n"
      "every connection in order."};
  app.get_formatter()->column_width(34);

  const auto* addresses = "Addresses";
  app.add_option("--bind", options.bind_address, "Address to listen on")
      ->capture_default_str()
      ->group(addresses);
  app.add_option("--port", options.port, "WebSocket and REST; 0: any free port")
      ->capture_default_str()
      ->group(addresses);
  app.add_option("--control-bind", options.control_bind_address,
                 "Address of the control port, which asks nobody who they are")
      ->capture_default_str()
      ->group(addresses);
  app.add_option("--control-port", options.control_port,
                 "HTTP: POST /fault and /publish, GET /state and /log; 0: any free port")
      ->capture_default_str()
      ->group(addresses);
  app.add_option("--host-name", options.host_name, "Host in the printed URLs and the certificate")
      ->capture_default_str()
      ->group(addresses);
  app.add_option("--also-host-name", options.further_host_names,
                 "Further names that the certificate holds for")
      ->delimiter(',')
      ->group(addresses);

  const auto* encryption = "Encryption";
  app.add_flag_callback(
         "--no-tls", [&options] { options.tls = false; }, "Plain ws:// and http://")
      ->group(encryption);
  auto* const authority =
      app.add_option("--ca-file", options.ca_file,
                     "Write the authority's certificate here (PEM): what clients are to trust")
          ->group(encryption);
  auto* const certificate =
      app.add_option("--certificate", options.certificate_file,
                     "Present this one (PEM) instead of another at every start")
          ->check(CLI::ExistingFile)
          ->excludes(authority)
          ->group(encryption);
  auto* const private_key = app.add_option("--private-key", options.private_key_file,
                                           "The key (PEM) that belongs to the certificate")
                                ->check(CLI::ExistingFile)
                                ->needs(certificate)
                                ->group(encryption);
  certificate->needs(private_key);
  app.add_flag_callback(
         "--no-compression", [&options] { options.compression = false; },
         "Decline permessage-deflate")
      ->group(encryption);
  app.add_option("--verifying-key", options.verifying_keys,
                 "Keys (base64) granted private streams; none given: any key that signs well")
      ->delimiter(',')
      ->group(encryption);

  const auto* content = "What it says";
  app.add_option("--symbols", market.symbols, "Markets")
      ->delimiter(',')
      ->capture_default_str()
      ->group(content);
  app.add_option("--levels", market.levels,
                 "Prices on each side of a book at first; REST tells the best 1,000 at most")
      ->check(CLI::Range(100, 2'400))
      ->capture_default_str()
      ->group(content);
  app.add_option("--seed", market.seed, "The same seed, the same market")
      ->capture_default_str()
      ->group(content);
  app.add_option(
         "--start-us", market.start_us,
         "Unix microseconds at which the market opens; 0: now. With a seed and a steady rate "
         "every run says the same, byte for byte")
      ->capture_default_str()
      ->group(content);
  auto* recording =
      app.add_option("--replay", replay,
                     "Play recorded frames instead, one a line, from the first subscription on")
          ->check(CLI::ExistingFile)
          ->group(content);
  app.add_flag("--loop", options.replay_loops, "Begin the recording anew at its end")
      ->needs(recording)
      ->group(content);
  app.add_option("--rate", options.rate,
                 "Engine events, or recorded frames, a second; max: as fast as clients read")
      ->transform(CLI::Validator(check_rate, "RATE"))
      ->capture_default_str()
      ->group(content);

  const auto* quirks = "What the exchange's documents leave open";
  app.add_flag_callback(
         "--bad-name-alone", [&options] { options.quirks.bad_name_spoils_request = false; },
         "A bad name refuses only itself, not its whole request")
      ->group(quirks);
  app.add_flag("--errors-echo-id", options.quirks.errors_echo_id,
               "Errors repeat the request's id instead of null")
      ->group(quirks);
  app.add_flag("--acknowledge", options.quirks.acknowledges, "Answer requests that succeed")
      ->group(quirks);
  app.add_flag("--stream-first", options.quirks.stream_first, "Send stream before data")
      ->group(quirks);

  app.add_option("--overflow", options.quirks.overflow,
                 "How a request for too many streams is refused: error, with its id and code 4010, "
                 "or data, with code 429")
      ->transform(CLI::CheckedTransformer(std::map<std::string, Quirks::Overflow>{
          {"error", Quirks::Overflow::error}, {"data", Quirks::Overflow::data}}))
      ->group(quirks);
  app.add_option("--answer-delay-ms", answer_ms,
                 "Answer requests so much later, behind the pong to a ping that followed them")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(quirks);

  const auto* limits = "Limits of a connection (0: none)";
  app.add_option("--max-streams", options.max_streams, "Streams that it may have")
      ->capture_default_str()
      ->group(limits);
  app.add_option("--max-requests-per-second", options.max_requests_per_second,
                 "Beyond it the connection is closed by 1008")
      ->capture_default_str()
      ->group(limits);

  const auto* patience = "Patience (milliseconds)";
  app.add_option("--ping-interval-ms", ping_ms, "Between pings")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(patience);
  app.add_option("--pong-timeout-ms", pong_ms, "Until a missing Pong closes the connection")
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(patience);
  app.add_option("--close-grace-ms", grace_ms, "Between a Close frame and the end")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->group(patience);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& end) {
    return {.options = std::nullopt, .exit_status = app.exit(end) == 0 ? 0 : kWrongUsage};
  }
  options.quirks.answer_delay = std::chrono::milliseconds(answer_ms);
  options.ping_interval = std::chrono::milliseconds(ping_ms);
  options.pong_timeout = std::chrono::milliseconds(pong_ms);
  options.close_grace = std::chrono::milliseconds(grace_ms);
  if (replay.empty()) {
    options.market = std::move(market);
  } else {
    options.replay = replay;
  }
  return {.options = std::move(options)};
}

}  // namespace bpx::exchange
