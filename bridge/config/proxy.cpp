#include "bridge/config/proxy.hpp"

#include "bridge/config/no_proxy.hpp"

#include <algorithm>

namespace bpx::bridge {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kNone = "none";
constexpr std::uint16_t kCurlsPort = 1080;  ///< where a variable names none

std::optional<std::string> unescaped(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const auto escaped = text.front() == '%' ? parse_escape(text) : std::nullopt;
    if (text.front() == '%' && !escaped) return std::nullopt;
    plain += escaped.value_or(text.front());
    text.remove_prefix(escaped ? 3 : 1);
    if (static_cast<unsigned char>(plain.back()) < ' ' || plain.back() == 0x7f) return std::nullopt;
  }
  return plain;
}

std::optional<ProxyUrl> parse(std::string_view text, std::optional<std::uint16_t> default_port) {
  if (!text.starts_with(kScheme)) return std::nullopt;
  text.remove_prefix(kScheme.size());
  if (text.ends_with('/')) text.remove_suffix(1);
  ProxyUrl url;
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    const auto credentials = unescaped(text.substr(0, at));
    if (!credentials || credentials->empty()) return std::nullopt;
    url.credentials = *credentials;
    if (credentials->find(':') == std::string::npos) url.credentials += ':';
    text.remove_prefix(at + 1);
  }
  const auto address = parse_authority(text, default_port);
  if (!address) return std::nullopt;
  url.host = address->host;
  url.port = address->port;
  return url;
}

/// As curl does, which takes a name alone for an HTTP proxy's.
std::optional<ProxyUrl> parse_variable(std::string_view text) {
  const bool has_scheme = text.find("://") != std::string_view::npos;
  return parse((has_scheme ? "" : std::string(kScheme)) + std::string(text), kCurlsPort);
}

bool is_by_environment(const ExchangeUrl& url, std::string_view setting,
                       const ProxyEnvironment& environment) {
  return url.is_tls && setting.empty() && !environment.https_proxy.empty() &&
         !is_exempt(url.host, environment.no_proxy);
}

}  // namespace

ProxyEnvironment ProxyEnvironment::of(const Environment& environment) {
  const auto find = [&](std::string_view small, std::string_view capital) {
    const auto value = environment.find(small);
    return std::string(value && !value->empty() ? *value : environment.find(capital).value_or(""));
  };
  return {.https_proxy = find("https_proxy", "HTTPS_PROXY"),
          .no_proxy = find("no_proxy", "NO_PROXY")};
}

std::optional<ProxyUrl> parse_proxy_url(std::string_view text) { return parse(text, std::nullopt); }

std::optional<ProxyUrl> proxy_for(const ExchangeUrl& url, std::string_view setting,
                                  const ProxyEnvironment& environment) {
  if (is_by_environment(url, setting, environment)) return parse_variable(environment.https_proxy);
  return url.is_tls && setting != kNone ? parse_proxy_url(setting) : std::nullopt;
}

void check_proxy_environment(const Config& config, const ProxyEnvironment& environment,
                             Problems& problems) {
  const auto& upstream = config.upstream;
  for (const auto& url :
       {parse_exchange_url(upstream.url, "wss"), parse_exchange_url(upstream.rest_url, "https")}) {
    if (!url || !is_by_environment(*url, upstream.proxy, environment) ||
        parse_variable(environment.https_proxy))
      continue;
    problems.push_back({"HTTPS_PROXY", "is not the http:// address of a proxy",
                        "give http://[USER:PASSWORD@]HOST:PORT there or in upstream.proxy, or set "
                        "that to none to go without"});
    return;
  }
}

std::string without_credentials(std::string text) {
  const auto at = text.rfind('@');
  if (at == std::string::npos) return text;
  constexpr std::string_view kBehindScheme = "://";
  const auto colon = std::min(text.find(':'), at);
  const bool has_scheme = text.compare(colon, kBehindScheme.size(), kBehindScheme) == 0;
  const auto begin = has_scheme ? colon + kBehindScheme.size() : 0;
  return text.replace(begin, at - begin, "***");
}

}  // namespace bpx::bridge
