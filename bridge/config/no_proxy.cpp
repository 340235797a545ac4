#include "bridge/config/no_proxy.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <algorithm>
#include <string>

namespace bpx::bridge {
namespace {

namespace ip = boost::asio::ip;

constexpr std::string_view kBetween = ", \t";

bool are_alike(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_at_or_below(std::string_view host, std::string_view domain) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (domain.ends_with('.')) domain.remove_suffix(1);
  if (domain.starts_with('.')) domain.remove_prefix(1);
  if (domain.size() >= host.size()) return are_alike(host, domain);
  const auto above = host.size() - domain.size();
  return !domain.empty() && host[above - 1] == '.' && are_alike(host.substr(above), domain);
}

/// `network`: an address, or one with the length of a prefix, of which 0 means all of it.
bool is_within(const ip::address& address, std::string_view network) {
  boost::system::error_code error;
  const auto slash = std::min(network.find('/'), network.size());
  const auto base = ip::make_address(std::string(network.substr(0, slash)), error);
  if (error || base.is_v4() != address.is_v4()) return false;
  auto length = std::string(network.substr(slash));
  if (length.empty() || length == "/0") length = base.is_v4() ? "/32" : "/128";
  if (base.is_v4()) {
    const auto net = ip::make_network_v4(base.to_string() + length, error);
    return !error &&
           ip::make_network_v4(address.to_v4(), net.prefix_length()).canonical() == net.canonical();
  }
  const auto net = ip::make_network_v6(base.to_string() + length, error);
  return !error &&
         ip::make_network_v6(address.to_v6(), net.prefix_length()).canonical() == net.canonical();
}

}  // namespace

bool is_exempt(std::string_view host, std::string_view no_proxy) {
  if (no_proxy == "*") return true;
  boost::system::error_code is_name;
  const auto address = ip::make_address(std::string(host), is_name);
  while (!no_proxy.empty()) {
    const auto entry = no_proxy.substr(0, no_proxy.find_first_of(kBetween));
    if (!entry.empty() && (is_name ? is_at_or_below(host, entry) : is_within(address, entry)))
      return true;
    no_proxy.remove_prefix(std::min(entry.size() + 1, no_proxy.size()));
  }
  return false;
}

}  // namespace bpx::bridge
