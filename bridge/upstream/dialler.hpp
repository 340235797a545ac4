#pragma once

#include "bridge/upstream/address_book.hpp"
#include "bridge/upstream/connect_failure.hpp"
#include "bridge/upstream/resolver.hpp"
#include "bridge/upstream/site.hpp"
#include "bridge/upstream/transport.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <optional>
#include <string>

namespace bpx::bridge {

/// Connects to one site, again and again: looks its name up, races its addresses, secures the
/// connection by TLS. Where a proxy has to be passed, names and addresses are the proxy's, and it
/// is asked for a way to the site. Remembers which addresses led there. Belongs to one thread,
/// where several attempts may be under way.
class Dialler {
 public:
  struct Options {
    Site site;
    bool only_this_machine = false;  ///< any other address is refused: nothing is encrypted
    std::optional<Proxy> proxy = std::nullopt;
    std::chrono::milliseconds patience{3'000};  ///< with an address, for TLS, where there are more
  };

  /// An attempt, as far as it has come: to be asked once it is given up.
  struct Attempt {
    ConnectResult stage = ConnectResult::dns;                    ///< what it waits for
    std::optional<AddressBook::Address> address = std::nullopt;  ///< that it has reached
    bool has_alternatives = false;                               ///< more addresses than that
  };

  explicit Dialler(Options options);

  const Site& site() const { return options_.site; }
  const std::optional<Proxy>& proxy() const { return options_.proxy; }

  /// Connects `socket`. Without a deadline of its own.
  boost::asio::awaitable<ConnectFailure> connect(boost::asio::ip::tcp::socket& socket,
                                                 Attempt& attempt);

  /// Likewise, and secures it.
  boost::asio::awaitable<ConnectFailure> connect(TlsTransport& transport, Attempt& attempt);

  /// What became of an attempt in the end. The next one begins where one succeeded last, and goes
  /// elsewhere after a failure, be it one that shows after a success.
  void note_success(const Attempt& attempt);
  void note_failure(const Attempt& attempt);

 private:
  ConnectFailure failure(ConnectResult result, const std::string& detail) const;

  Options options_;
  Resolver resolver_;
  AddressBook addresses_;
};

}  // namespace bpx::bridge
