#pragma once

#include "bridge/observe/exposition.hpp"
#include "bridge/observe/http_server.hpp"
#include "bridge/observe/measurements.hpp"
#include "bridge/observe/status_report.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace bpx::bridge {

/// What is to be had over HTTP: /metrics, /livez, /readyz, /status, and the status page at /. Only
/// reads; belongs to the thread of the server.
class Pages {
 public:
  Pages(const Measurements& measurements, StatusContext context, BuildInfo build);

  /// The page at `path`, nullopt where there is none.
  std::optional<HttpPage> at(std::string_view path) const;

 private:
  const Measurements& measurements_;
  StatusContext context_;
  BuildInfo build_;
  std::string page_policy_;  ///< of the status page
};

}  // namespace bpx::bridge
