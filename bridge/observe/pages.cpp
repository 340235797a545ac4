#include "bridge/observe/pages.hpp"

#include "bridge/clock.hpp"
#include "bridge/observe/content_policy.hpp"
#include "bridge/observe/readiness.hpp"
#include "bridge/observe/status_page.hpp"

#include <utility>

namespace bpx::bridge {
namespace {

constexpr unsigned kOk = 200;
constexpr unsigned kUnavailable = 503;

constexpr auto kJson = "application/json";
constexpr auto kText = "text/plain; charset=utf-8";
constexpr auto kMetrics = "text/plain; version=0.0.4; charset=utf-8";
constexpr auto kHtml = "text/html; charset=utf-8";

}  // namespace

Pages::Pages(const Measurements& measurements, StatusContext context, BuildInfo build)
    : measurements_(measurements),
      context_(std::move(context)),
      build_(std::move(build)),
      page_policy_(policy_of(status_page())) {}

std::optional<HttpPage> Pages::at(std::string_view path) const {
  if (path == "/metrics")
    return HttpPage{kOk, kMetrics, exposition(measurements_, ProcessMetrics::read(), build_)};
  if (path == "/livez") {
    if (auto reason = reason_not_alive(measurements_, steady_ns()))
      return HttpPage{kUnavailable, kText, *std::move(reason) + '\n'};
    return HttpPage{kOk, kText, "ok\n"};
  }
  if (path == "/readyz") {
    auto [ready, json] = readiness_report(measurements_, context_, Moment::now());
    return HttpPage{ready ? kOk : kUnavailable, kJson, std::move(json)};
  }
  if (path == "/status")
    return HttpPage{kOk, kJson, status_report(measurements_, context_, Moment::now())};
  if (path == "/") return HttpPage{kOk, kHtml, std::string(status_page()), page_policy_};
  return std::nullopt;
}

}  // namespace bpx::bridge
