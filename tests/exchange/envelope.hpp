#pragma once

#include "tests/exchange/frame.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace bpx::exchange {

/// One text message, ready for the wire. Shared, because the queues of all connections that are to
/// receive it and the record of what was sent hold the same text.
struct Message {
  /// Empty for messages of no stream, such as errors.
  std::string stream;
  std::string text;
};
using SharedMessage = std::shared_ptr<const Message>;

/// `{"data":…,"stream":"…"}`, or with `stream_first` the other way round; no white space.
/// `frame.data` is copied as it is.
SharedMessage envelope(const Frame& frame, bool stream_first);

/// `{"id":…,"error":{"code":…,"message":"…"}}`; `id_json` is JSON text, `null` where nothing is to
/// be echoed.
SharedMessage error_message(std::string_view id_json, int code, std::string_view message);

/// `{"data":…}`, of no stream; `data_json` is copied as it is.
SharedMessage data_message(std::string_view data_json);

/// `{"id":…,"result":null}`.
SharedMessage acknowledgement(std::string_view id_json);

}  // namespace bpx::exchange
