#include "bridge/upstream/transport.hpp"

#include <boost/asio/ssl/error.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <limits>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;

/// What Asio makes of the same failure.
boost::system::error_code last_failure() {
  const auto code = ::ERR_get_error();
  if (code == 0) return asio::ssl::error::unspecified_system_error;
  return {static_cast<int>(code), asio::error::get_ssl_category()};
}

}  // namespace

std::size_t read_received(TlsTransport& transport, std::span<std::uint8_t> space,
                          boost::system::error_code& error) {
  auto* const ssl = transport.native_handle();
  const auto size =
      static_cast<int>(std::min<std::size_t>(space.size(), std::numeric_limits<int>::max()));
  ::ERR_clear_error();
  const int bytes = ::SSL_read(ssl, space.data(), size);
  if (bytes > 0) return static_cast<std::size_t>(bytes);
  switch (::SSL_get_error(ssl, bytes)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
    case SSL_ERROR_ZERO_RETURN: break;  // the next read waits, or is told of the end
    default: error = last_failure();
  }
  return 0;
}

}  // namespace bpx::bridge
