#include "tests/support/scripted_names.hpp"

#include <dlfcn.h>

#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

namespace bpx::test {
namespace {

struct Name {
  std::optional<std::vector<std::string>> addresses;  ///< nullopt: look-ups hang
  std::size_t begun = 0;
  std::size_t under_way = 0;
};

/// Of the whole program, as the function is that they stand for.
struct Script {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::string, Name> names;
};

Script& script() {
  static Script script;
  return script;
}

/// An entry of our own making can be told from the system's by this protocol number.
constexpr int kOurs = 0x5c7e;

/// One entry of the list that getaddrinfo() gives.
struct Entry {
  addrinfo info{};
  sockaddr_storage address{};
};

addrinfo* entry_of(const std::string& text, const char* port) {
  auto entry = std::make_unique<Entry>();
  const auto number = htons(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
  auto* const ipv4 = reinterpret_cast<sockaddr_in*>(&entry->address);
  auto* const ipv6 = reinterpret_cast<sockaddr_in6*>(&entry->address);
  const bool is_ipv4 = inet_pton(AF_INET, text.c_str(), &ipv4->sin_addr) == 1;
  if (is_ipv4) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = number;
  } else {
    inet_pton(AF_INET6, text.c_str(), &ipv6->sin6_addr);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = number;
  }
  const std::size_t size = is_ipv4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  entry->info = {.ai_flags = 0,
                 .ai_family = is_ipv4 ? AF_INET : AF_INET6,
                 .ai_socktype = SOCK_STREAM,
                 .ai_protocol = kOurs,
                 .ai_addrlen = static_cast<socklen_t>(size),
                 .ai_addr = reinterpret_cast<sockaddr*>(&entry->address),
                 .ai_canonname = nullptr,
                 .ai_next = nullptr};
  return &entry.release()->info;
}

addrinfo* list_of(const std::vector<std::string>& addresses, const char* port) {
  addrinfo* list = nullptr;
  auto** end = &list;
  for (const auto& address : addresses) {
    *end = entry_of(address, port);
    end = &(*end)->ai_next;
  }
  return list;
}

/// The system's own.
template <typename Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

ScriptedNames::~ScriptedNames() {
  std::unique_lock lock(script().mutex);
  for (auto& [host, name] : script().names)
    if (!name.addresses) name.addresses.emplace();
  script().changed.notify_all();
  script().changed.wait(lock, [] {
    for (const auto& [host, name] : script().names)
      if (name.under_way > 0) return false;
    return true;
  });
  script().names.clear();
}

void ScriptedNames::set(const std::string& host, std::vector<std::string> addresses) {
  const std::lock_guard lock(script().mutex);
  script().names[host].addresses = std::move(addresses);
  script().changed.notify_all();
}

void ScriptedNames::hang(const std::string& host) {
  const std::lock_guard lock(script().mutex);
  script().names[host].addresses.reset();
}

std::size_t ScriptedNames::begun(const std::string& host) const {
  const std::lock_guard lock(script().mutex);
  return script().names[host].begun;
}

std::size_t ScriptedNames::under_way(const std::string& host) const {
  const std::lock_guard lock(script().mutex);
  return script().names[host].under_way;
}

}  // namespace bpx::test

extern "C" int getaddrinfo(const char* host, const char* port, const addrinfo* hints,
                           addrinfo** found) {
  using namespace bpx::test;
  {
    std::unique_lock lock(script().mutex);
    const auto at = host != nullptr ? script().names.find(host) : script().names.end();
    if (at != script().names.end()) {
      if (hints != nullptr && (hints->ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
      auto& name = at->second;
      ++name.begun;
      ++name.under_way;
      script().changed.wait(lock, [&] { return name.addresses.has_value(); });
      *found = list_of(*name.addresses, port != nullptr ? port : "0");
      --name.under_way;
      script().changed.notify_all();
      return *found != nullptr ? 0 : EAI_NONAME;
    }
  }
  return original<decltype(getaddrinfo)>("getaddrinfo")(host, port, hints, found);
}

extern "C" void freeaddrinfo(addrinfo* list) noexcept {
  if (list == nullptr || list->ai_protocol != bpx::test::kOurs)
    return bpx::test::original<decltype(freeaddrinfo)>("freeaddrinfo")(list);
  while (list != nullptr) {
    auto* const entry =
        reinterpret_cast<bpx::test::Entry*>(list);  // of which it is the first member
    list = list->ai_next;
    delete entry;
  }
}
