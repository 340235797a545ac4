#include "bridge/bounded.hpp"
#include "bridge/cli/commands.hpp"
#include "bridge/cli/secrecy.hpp"
#include "bridge/config/endpoint.hpp"
#include "bridge/config/load.hpp"
#include "bridge/one_line.hpp"
#include "bridge/upstream/dialler.hpp"
#include "bridge/upstream/rest_client.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <iostream>
#include <optional>

#include <unistd.h>

namespace bpx::bridge::cli {
namespace {

namespace asio = boost::asio;

/// Where the bridge of this machine that is configured so says whether it is ready. Nullopt where
/// that cannot be known: to ask another would tell of that one.
std::optional<std::string> local_url(const HealthcheckFlags& flags, Problems& problems) {
  const auto file = flags.env_file
                        ? EnvFile::read(*flags.env_file, ReadableFile::Kind::regular, problems)
                        : EnvFile();
  const auto config = load_config({.file = flags.config_file,
                                   .file_kind = ReadableFile::Kind::regular,
                                   .environment = Environment(environ, file),
                                   .streams = {},
                                   .log_level = {}},
                                  problems);
  const auto bound = parse_socket_address(config.http.bind);
  if (!bound)
    problems.push_back({"http.bind", one_line(config.http.bind) + " is not an address and a port",
                        "give one such as 127.0.0.1:9464"});
  if (!problems.empty()) return std::nullopt;
  auto address = *bound;
  if (address.host == "0.0.0.0") address.host = "127.0.0.1";
  if (address.host == "::") address.host = "::1";
  if (address.host.find(':') != std::string::npos) address.host = '[' + address.host + ']';
  return "http://" + address.host + ':' + std::to_string(address.port) + "/readyz";
}

asio::awaitable<RestClient::Response> get(const ExchangeUrl& url, TlsContext* tls) {
  Dialler dialler({.site = {.is_tls = url.is_tls, .host = url.host, .port = url.port}});
  // Named, for GCC 12 destroys a temporary aggregate in a co_await expression twice.
  const RestClient::Options options{.dialler = dialler};
  const auto opened = co_await RestClient::open(options, tls);
  if (opened.client == nullptr)
    co_return RestClient::Response{.status = 0, .body = {}, .error = opened.error};
  co_return co_await opened.client->get(url.target);
}

RestClient::Response get_blocking(const ExchangeUrl& url) {
  RestClient::Response response;
  // To read the system's trust anchors takes more than all the rest: not where they are no use.
  std::optional<TlsContext> tls;
  if (url.is_tls) tls.emplace("");
  asio::io_context loop{1};
  asio::co_spawn(loop, get(url, tls ? &*tls : nullptr),
                 [&](const std::exception_ptr& failure, RestClient::Response got) {
                   if (failure) std::rethrow_exception(failure);
                   response = std::move(got);
                 });
  loop.run();
  return response;
}

}  // namespace

int healthcheck(const HealthcheckFlags& flags) {
  Problems problems;
  const auto found = flags.url ? flags.url : local_url(flags, problems);
  for (const auto& problem : problems)
    std::cerr << "healthcheck: " << without_keys(to_line(problem)) << '\n';
  if (!found) return kCannotRun;
  const auto& text = *found;
  const auto url = parse_exchange_url(text, "https");
  if (!url) {
    std::cerr << "healthcheck: " << without_keys(one_line(text))
              << " is no address; give http://HOST:PORT/readyz\n";
    return kCannotRun;
  }
  const auto response = get_blocking(*url);
  constexpr unsigned kOk = 200;
  if (response.status == kOk) return kStopped;
  std::cerr << "healthcheck: " << without_keys(text) << ": "
            << (response.status == 0
                    ? response.error
                    : std::to_string(response.status) + ' ' + bounded(one_line(response.body)))
            << '\n';
  return kCannotRun;
}

}  // namespace bpx::bridge::cli
