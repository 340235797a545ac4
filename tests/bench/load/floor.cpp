/// The floor: the least that these libraries need to take messages from the exchange and publish
/// them. It blocks where it waits, parses nothing, measures nothing, numbers nothing, and ends with
/// its connection. The topic is what stands last in the message; the header is zeros.

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <string.h>
#include <zmq.h>

#include <array>
#include <cstddef>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using WebSocket = beast::websocket::stream<asio::ssl::stream<asio::ip::tcp::socket>>;

constexpr int kSendHwm = 100'000;  // as the bridge's

/// A SUBSCRIBE for every hundred names.
void subscribe(WebSocket& socket, const char* streams_file) {
  std::ifstream names(streams_file);
  std::string name, list;
  std::size_t count = 0;
  const auto send = [&] {
    socket.write(asio::buffer(R"({"method":"SUBSCRIBE","params":[)" + list + "]}"));
    list.clear();
  };
  while (std::getline(names, name)) {
    list += (list.empty() ? "\"" : ",\"") + name + "\"";
    if (++count % 100 == 0) send();
  }
  if (!list.empty()) send();
}

/// Between the last two quotation marks: on the wire the stream's name comes last.
std::string_view topic_of(std::string_view message) {
  const auto* const begin = message.data();
  const auto* const end = static_cast<const char*>(memrchr(begin, '"', message.size()));
  if (end == nullptr) return {};
  const auto* const quote =
      static_cast<const char*>(memrchr(begin, '"', static_cast<std::size_t>(end - begin)));
  if (quote == nullptr) return {};
  return {quote + 1, static_cast<std::size_t>(end - quote - 1)};
}

[[noreturn]] void carry(WebSocket& socket, void* publisher) {
  const std::array<char, 48> header{};
  beast::flat_buffer buffer;
  for (;;) {
    socket.read(buffer);
    const std::string_view message(static_cast<const char*>(buffer.cdata().data()), buffer.size());
    const auto topic = topic_of(message);
    zmq_send(publisher, topic.data(), topic.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(publisher, message.data(), message.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(publisher, header.data(), header.size(), ZMQ_DONTWAIT);
    buffer.consume(buffer.size());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: floor PORT CA_FILE STREAMS_FILE ENDPOINT plain|deflate\n";
    return 2;
  }
  try {
    void* const context = zmq_ctx_new();
    void* const publisher = zmq_socket(context, ZMQ_PUB);
    zmq_setsockopt(publisher, ZMQ_SNDHWM, &kSendHwm, sizeof kSendHwm);
    if (zmq_bind(publisher, argv[4]) != 0) throw std::runtime_error(zmq_strerror(zmq_errno()));

    asio::io_context loop(1);
    asio::ssl::context tls(asio::ssl::context::tls_client);
    tls.load_verify_file(argv[2]);
    tls.set_verify_mode(asio::ssl::verify_peer);
    WebSocket socket(loop, tls);
    auto& tcp = beast::get_lowest_layer(socket);
    tcp.connect({asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoi(argv[1]))});
    tcp.set_option(asio::ip::tcp::no_delay(true));
    socket.next_layer().handshake(asio::ssl::stream_base::client);
    beast::websocket::permessage_deflate deflate;
    deflate.client_enable = std::string_view(argv[5]) == "deflate";
    socket.set_option(deflate);
    socket.handshake("127.0.0.1", "/");
    socket.text(true);
    subscribe(socket, argv[3]);
    carry(socket, publisher);
  } catch (const std::exception& end) {
    std::cerr << "floor: " << end.what() << '\n';
    return 1;
  }
}
