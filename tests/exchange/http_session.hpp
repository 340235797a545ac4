#pragma once

#include "tests/exchange/http_text.hpp"
#include "tests/exchange/transport.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace bpx::exchange {

using BeastRequest = boost::beast::http::request<boost::beast::http::string_body>;

/// Bytes that answer a request in place of HTTP, before the connection ends; empty: HTTP does.
using Interject = std::function<std::string(bool is_upgrade)>;

/// Does the TLS handshake and answers HTTP requests until the client leaves, fails, or takes longer
/// than `patience` for the handshake or for one request. Returns the request by which it asks for a
/// WebSocket at `/`: answering that one is left to the caller. `handshaken` says whether TLS got as
/// far as that.
struct HttpEnd {
  bool handshaken = false;
  std::optional<BeastRequest> upgrade;
};
boost::asio::awaitable<HttpEnd> serve_http(std::shared_ptr<Transport> transport, AnswerHttp answer,
                                           std::chrono::milliseconds patience, Interject interject);

}  // namespace bpx::exchange
