// A configuration file, and behind a line `---` the environment, one variable a line.
#include "bridge/config/credentials.hpp"
#include "bridge/config/endpoint.hpp"
#include "bridge/config/load.hpp"
#include "bridge/config/validate.hpp"
#include "tests/fuzz/property.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace {

using bpx::bridge::Config;
using bpx::bridge::Environment;
using bpx::bridge::Problems;
using bpx::fuzz::require;

constexpr std::string_view kSeparator = "\n---\n";

/// A file that exists in memory alone.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : file_(memfd_create("configuration", MFD_CLOEXEC)) {
    require(file_ >= 0 && write(file_, text.data(), text.size()) == std::ssize(text),
            "there is memory for a file");
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

/// The variables, one a line. Those that name files are left out: what lies in files is not input.
std::vector<std::string> variables_of(std::string_view text) {
  std::vector<std::string> variables;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string variable(text.substr(0, std::min(end, text.substr(0, end).find('\0'))));
    if (variable.find("_FILE=") == std::string::npos) variables.push_back(std::move(variable));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return variables;
}

Config load(std::string_view json, const Environment& environment, Problems& problems) {
  const MemoryFile file(json);
  return bpx::bridge::load_config(
      {.file = file.path(), .environment = environment, .streams = {}, .log_level = {}}, problems);
}

void require_readable(const Problems& problems) {
  for (const auto& problem : problems) {
    require(!problem.wrong.empty() && !problem.mend.empty(), "a problem says what and what to do");
    const auto line = to_line(problem);
    require(std::ranges::none_of(line, [](unsigned char c) { return c < ' ' || c == 0x7f; }),
            "a problem is one line");
  }
}

/// What `check` prints is what was loaded.
void require_printed_faithfully(const Config& config) {
  const char* const nothing = nullptr;
  Problems problems;
  const auto printed = to_json(config);
  const auto again = load(printed, Environment(&nothing), problems);
  require(problems.empty() && to_json(again) == printed, "what is printed can be loaded");
}

void require_fit_to_run(const Config& config) {
  using namespace bpx::bridge;
  require(parse_exchange_url(config.upstream.url, "wss").has_value(), "upstream.url is one");
  require(parse_exchange_url(config.upstream.rest_url, "https").has_value(), "rest_url is one");
  require(parse_socket_address(config.http.bind).has_value(), "http.bind is an address");
  for (const auto& endpoint : config.publish.private_.bind)
    require(parse_zmq_endpoint(endpoint)->is_local() || config.publish.private_.allow_plaintext ||
                !config.publish.private_.curve.secret_key_file.empty(),
            "account data does not leave the machine in the clear unasked");
  require(!wants_private_streams(config) || !config.publish.private_.bind.empty(),
          "account data has an endpoint of its own");
}

void require_kept_secret(const Environment& environment) {
  Problems problems;
  load_credentials(environment, /*needed=*/true, problems);
  require_readable(problems);
  constexpr std::size_t kShortestSecret = 16;  // shorter ones are words of the problems themselves
  for (const auto* variable : {"BACKPACK_SECRET_KEY", "SECRET_KEY"}) {
    const auto secret = environment.find(variable);
    if (!secret || secret->size() < kShortestSecret) continue;
    for (const auto& problem : problems)
      require(to_line(problem).find(*secret) == std::string::npos, "no problem tells a secret");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto text = bpx::fuzz::text_of(bytes, size);
  const auto separator = std::min(text.find(kSeparator), text.size());
  const auto variables =
      variables_of(text.substr(std::min(separator + kSeparator.size(), text.size())));
  std::vector<const char*> entries;
  for (const auto& variable : variables) entries.push_back(variable.c_str());
  entries.push_back(nullptr);
  const Environment environment(entries.data());

  Problems problems;
  const auto config = load(text.substr(0, separator), environment, problems);
  require_printed_faithfully(config);
  if (problems.empty()) {
    validate(config, problems);
    if (problems.empty()) require_fit_to_run(config);
  }
  require_readable(problems);
  require_kept_secret(environment);
  return 0;
}
