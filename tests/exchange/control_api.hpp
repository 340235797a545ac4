#pragma once

#include "tests/exchange/http_text.hpp"

namespace bpx::exchange {

class Ledger;
class Venue;

/// The control port:
///   POST /fault    a fault as JSON, see `parse_fault`
///   POST /publish  `{"stream":"…","data":"<JSON text>"}`; or, with `?stream=NAME`, the body itself
///                  is the data. Sent byte for byte to those who are subscribed.
///   GET  /state    counters, subscriptions of the newest connection, faults that last
///   GET  /log?since=N[&limit=M]   what was sent, from the N-th frame on, one JSON object a line
/// Good requests are answered by 200; bad ones by 400, 404 or 405 and `{"error":"…"}`.
HttpAnswer answer_control(Venue& venue, const Ledger& ledger, const HttpRequest& request);

}  // namespace bpx::exchange
