#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace bpx::bridge {

/// What a WebSocket runs over. Types of our own, so that what follows is ours to say.
class PlainTransport : public boost::asio::ip::tcp::socket {
 public:
  using basic_stream_socket::basic_stream_socket;
};

class TlsTransport : public boost::asio::ssl::stream<boost::asio::ip::tcp::socket> {
 public:
  using stream::stream;
};

/// Reads what the transport has received but not told yet, without asking the system for more. For
/// where an asynchronous read has just succeeded: of TLS it tells one record, and to be told the
/// next, which has mostly come with it, takes a turn of the event loop. Returns how many bytes were
/// written to `space`; 0 where there are none, or `error` is set.
std::size_t read_received(TlsTransport& transport, std::span<std::uint8_t> space,
                          boost::system::error_code& error);
inline std::size_t read_received(PlainTransport& /*transport*/, std::span<std::uint8_t> /*space*/,
                                 boost::system::error_code& /*error*/) {
  return 0;
}

/// Beast calls these once both Close frames are exchanged, or a violation ended the conversation.
/// Its own versions wait for the server to end TLS and TCP, for as long as that takes, and let an
/// error of that farewell hide why the connection ended. Here both directions end at once and
/// nothing is waited for: a reconnect must not depend on the goodwill of the server that is left.
template <typename Transport, typename Handler>
void end_transport(Transport& transport, Handler&& handler) {
  boost::system::error_code ignored;
  transport.lowest_layer().shutdown(boost::asio::socket_base::shutdown_both, ignored);
  boost::asio::post(transport.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Handler>(handler),
                                                     boost::system::error_code{}));
}

template <typename Handler>
void async_teardown(boost::beast::role_type, PlainTransport& transport, Handler&& handler) {
  end_transport(transport, std::forward<Handler>(handler));
}

template <typename Handler>
void async_teardown(boost::beast::role_type, TlsTransport& transport, Handler&& handler) {
  end_transport(transport, std::forward<Handler>(handler));
}

}  // namespace bpx::bridge
