#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <optional>
#include <vector>

namespace bpx::bridge {

/// What is known of a site's addresses, which decides the order in which they are tried. Pure.
class AddressBook {
 public:
  using Address = boost::asio::ip::tcp::endpoint;

  /// `found`, each once: the one that worked last, then those of which nothing bad is known, IPv4
  /// and IPv6 in turn (RFC 8305, section 4), then those that failed since, the latest last.
  std::vector<Address> in_order(const std::vector<Address>& found) const;

  void worked(const Address& address);
  void failed(const Address& address);

 private:
  std::optional<Address> good_;
  std::vector<Address> bad_;  ///< since one has worked; the latest last
};

}  // namespace bpx::bridge
