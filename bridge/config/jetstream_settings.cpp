#include "bridge/config/jetstream_settings.hpp"

#include "bridge/one_line.hpp"
#include "bridge/readable_file.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace bpx::bridge {
namespace {

const std::string kPath = "publish.jetstream";

bool is_word(std::string_view text) {
  constexpr std::string_view kFit =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  constexpr std::size_t kMost = 200;
  return !text.empty() && text.size() <= kMost && text.find_first_not_of(kFit) == text.npos;
}

/// Words with a dot behind each.
bool is_subject_prefix(std::string_view text) {
  while (!text.empty()) {
    const auto dot = text.find('.');
    if (dot == text.npos || !is_word(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
    if (text.empty()) return true;
  }
  return false;
}

class Validation {
 public:
  Validation(const Config::JetStream& settings, Problems& problems)
      : settings_(settings), problems_(problems) {}

  void run() {
    check_servers();
    check_names();
    check_files();
  }

 private:
  void note(const std::string& key, std::string wrong, std::string mend) {
    problems_.push_back({kPath + key, std::move(wrong), std::move(mend)});
  }

  // What is no address is not shown: it may hold a password.
  void check_servers() {
    for (std::size_t i = 0; i < settings_.servers.size(); ++i) {
      const auto place = ".servers[" + std::to_string(i) + ']';
      const auto url = parse_nats_url(settings_.servers[i]);
      if (!url) {
        note(place, "is not the address of a NATS server",
             "give tls://HOST:PORT or nats://HOST:PORT, without user name; credentials go into " +
                 kPath + ".credentials_file");
        continue;
      }
      has_tls_ = has_tls_ || url->is_tls;
      const bool is_open = !url->is_tls && !url->address.is_loopback();
      if (is_open && settings_.include_private)
        note(place, "may show account data in the clear beyond this machine",
             "use tls://, or an address such as 127.0.0.1 where it is this machine, or leave " +
                 kPath + ".include_private out");
    }
  }

  void check_names() {
    if (!is_word(settings_.stream))
      note(".stream", '"' + one_line(settings_.stream) + "\" is not the name of a JetStream stream",
           "give letters, digits, _ and -, such as BACKPACK");
    if (!is_subject_prefix(settings_.subject_prefix))
      note(".subject_prefix", '"' + one_line(settings_.subject_prefix) + "\" begins no subject",
           "give words of letters, digits, _ and - with a dot behind each, such as backpack.");
  }

  void check_files() {
    const auto& credentials = settings_.credentials_file;
    if (!credentials.empty()) {
      const ReadableFile file(credentials, ReadableFile::Kind::regular);
      if (!file.is_open())
        note(".credentials_file", "names a file that " + std::string(file.fault()),
             "give the path of the .creds file that `nsc` made for this user");
      else if (file.is_open_to_others())
        note(".credentials_file", "names a file that others may read or change",
             "chmod 600 it; where a container's platform sets the mode, mount it read-only");
    }
    if (settings_.ca_file.empty()) return;
    const ReadableFile file(settings_.ca_file, ReadableFile::Kind::regular);
    if (!file.is_open())
      note(".ca_file", "names a file that " + std::string(file.fault()),
           "give the path of a PEM file of trust anchors, or leave it out");
    else if (!has_tls_ && !settings_.servers.empty())
      note(".ca_file", "has no effect: no server has tls://",
           "give tls://HOST:PORT, or leave this out");
  }

  const Config::JetStream& settings_;
  Problems& problems_;
  bool has_tls_ = false;
};

}  // namespace

std::optional<NatsUrl> parse_nats_url(std::string_view text) {
  constexpr std::string_view kTls = "tls://";
  constexpr std::string_view kPlain = "nats://";
  const bool is_tls = text.starts_with(kTls);
  if (!is_tls && !text.starts_with(kPlain)) return std::nullopt;
  text.remove_prefix(is_tls ? kTls.size() : kPlain.size());
  auto address = parse_authority(text, std::nullopt);
  if (!address) return std::nullopt;
  return NatsUrl{.is_tls = is_tls, .address = *std::move(address)};
}

void validate_jetstream(const Config& config, Problems& problems) {
  Validation(config.publish.jetstream, problems).run();
}

}  // namespace bpx::bridge
