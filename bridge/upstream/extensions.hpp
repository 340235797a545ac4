#pragma once

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/rfc7230.hpp>

#include <algorithm>
#include <set>
#include <string>

namespace bpx::bridge {

inline constexpr const char* kDeflate = "permessage-deflate";

/// Names of WebSocket extensions, whose case does not matter.
using Extensions = std::set<std::string, boost::beast::iless>;

/// Those that all Sec-WebSocket-Extensions headers together name (RFC 6455, 9.1: they may be
/// several).
inline Extensions extensions_of(const boost::beast::http::fields& header) {
  namespace http = boost::beast::http;
  Extensions names;
  const auto [begin, end] = header.equal_range(http::field::sec_websocket_extensions);
  std::for_each(begin, end, [&](const auto& field) {
    for (const auto& [name, parameters] : http::ext_list(field.value())) names.emplace(name);
  });
  return names;
}

}  // namespace bpx::bridge
