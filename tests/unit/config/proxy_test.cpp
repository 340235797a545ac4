#include "bridge/config/proxy.hpp"

#include "bridge/config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpx::bridge {
namespace {

using testing::HasSubstr;
using testing::Not;

const ExchangeUrl kExchange{.is_tls = true, .host = "ws.backpack.exchange"};

std::string text_of(const std::optional<ProxyUrl>& proxy) {
  if (!proxy) return "none";
  return proxy->credentials + '@' + proxy->host + ':' + std::to_string(proxy->port);
}

TEST(ProxyUrl, IsTakenApart) {
  EXPECT_EQ(text_of(parse_proxy_url("http://proxy.example:3128")), "@proxy.example:3128");
  EXPECT_EQ(text_of(parse_proxy_url("http://proxy.example:3128/")), "@proxy.example:3128");
  EXPECT_EQ(text_of(parse_proxy_url("http://[::1]:3128")), "@::1:3128");
  EXPECT_EQ(text_of(parse_proxy_url("http://me:my%40%3apass@10.0.0.1:80")),
            "me:my@:pass@10.0.0.1:80");
  EXPECT_EQ(text_of(parse_proxy_url("http://me:a@b@proxy:1")), "me:a@b@proxy:1");
  EXPECT_EQ(text_of(parse_proxy_url("http://me@proxy:1")), "me:@proxy:1");
}

TEST(ProxyUrl, IsRefusedWhereItIsNone) {
  for (const auto* text : {"", "proxy:3128", "https://proxy:3128", "socks5://proxy:3128",
                           "http://proxy", "http://:3128", "http://proxy:0", "http://proxy:99999",
                           "http://proxy:3128/path", "http://@proxy:1", "http://me:%0a@proxy:1",
                           "http://me:%zz@proxy:1", "http://me:%@proxy:1", "http://pro xy:1"})
    EXPECT_FALSE(parse_proxy_url(text)) << text;
}

TEST(ProxyFor, IsTheOneOfTheConfigurationWhateverTheEnvironmentSays) {
  const ProxyEnvironment environment{.https_proxy = "http://other:1", .no_proxy = "*"};
  EXPECT_EQ(text_of(proxy_for(kExchange, "http://proxy:3128", environment)), "@proxy:3128");
  EXPECT_EQ(text_of(proxy_for(kExchange, "none", environment)), "none");
}

TEST(ProxyFor, IsElseTheOneOfTheEnvironmentAsCurlReadsIt) {
  const auto by = [](const std::string& https_proxy, const std::string& no_proxy = {}) {
    return text_of(proxy_for(kExchange, "", {.https_proxy = https_proxy, .no_proxy = no_proxy}));
  };
  EXPECT_EQ(by(""), "none");
  EXPECT_EQ(by("http://me:it@proxy:3128"), "me:it@proxy:3128");
  EXPECT_EQ(by("proxy:3128"), "@proxy:3128");
  EXPECT_EQ(by("proxy"), "@proxy:1080");
  EXPECT_EQ(by("http://proxy:3128", "backpack.exchange"), "none");
  EXPECT_EQ(by("http://proxy:3128", "other.exchange"), "@proxy:3128");
}

TEST(ProxyFor, IsNoneWithoutTls) {
  const ExchangeUrl local{.is_tls = false, .host = "127.0.0.1", .port = 80};
  EXPECT_EQ(text_of(proxy_for(local, "http://proxy:1", {.https_proxy = "proxy", .no_proxy = {}})),
            "none");
}

TEST(ProxyEnvironment, PrefersSmallLettersAndTakesAnEmptyVariableForUnset) {
  const char* const variables[] = {"HTTPS_PROXY=http://capital:1", "https_proxy=http://small:1",
                                   "NO_PROXY=capital", "no_proxy=", nullptr};
  const auto environment = ProxyEnvironment::of(Environment(variables));
  EXPECT_EQ(environment.https_proxy, "http://small:1");
  EXPECT_EQ(environment.no_proxy, "capital");
}

TEST(ProxyEnvironment, IsAtFaultOnlyWhereItWouldHaveToBeUsed) {
  const auto problems_of = [](const std::string& setting, const ProxyEnvironment& environment) {
    Config config;
    config.upstream.proxy = setting;
    Problems problems;
    check_proxy_environment(config, environment, problems);
    return problems.size();
  };
  const std::string socks = "socks5://me:secret@proxy:1";
  EXPECT_EQ(problems_of("", {.https_proxy = socks, .no_proxy = {}}), 1U);
  EXPECT_EQ(problems_of("none", {.https_proxy = socks, .no_proxy = {}}), 0U);
  EXPECT_EQ(problems_of("http://proxy:1", {.https_proxy = socks, .no_proxy = {}}), 0U);
  EXPECT_EQ(problems_of("", {.https_proxy = socks, .no_proxy = "*"}), 0U);
  EXPECT_EQ(problems_of("", {.https_proxy = "proxy:1", .no_proxy = {}}), 0U);
}

TEST(ProxyCredentials, AreNotShown) {
  EXPECT_EQ(without_credentials("http://me:se@cret@proxy:1"), "http://***@proxy:1");
  EXPECT_EQ(without_credentials("me:secret@proxy:1"), "***@proxy:1");
  EXPECT_EQ(without_credentials("http://proxy:1"), "http://proxy:1");
  EXPECT_EQ(without_credentials("me:a://b@proxy"), "***@proxy");
  Config config;
  config.upstream.proxy = "http://me:hidden@proxy:1";
  EXPECT_THAT(to_json(config), HasSubstr("http://***@proxy:1"));
  EXPECT_THAT(to_json(config), Not(HasSubstr("hidden")));
}

}  // namespace
}  // namespace bpx::bridge
