#include "bridge/observe/http_server.hpp"

#include "bridge/bind_mend.hpp"
#include "bridge/startup_error.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <sstream>
#include <utility>

namespace bpx::bridge {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
constexpr auto kText = "text/plain; charset=utf-8";

/// Where the system has no descriptor left, for instance.
constexpr milliseconds kAcceptAgain{100};
constexpr std::chrono::minutes kReminder{1};

/// In which whoever has come may say what it wants, however many wait behind it.
constexpr milliseconds kUndisturbed{50};

using Request = http::request_parser<http::empty_body>;
using Response = http::response<http::string_body>;

Response to_response(HttpPage page) {
  Response response(static_cast<http::status>(page.status), 11);
  response.set(http::field::server, "backpack-bridge/" BPX_VERSION);
  response.set(http::field::content_type, page.content_type);
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy", page.content_policy);
  response.body() = std::move(page.body);
  return response;
}

/// Without the query, and without what a proxy puts in front: `http://HOST/path` is `/path` too.
std::string_view path_of(std::string_view target) {
  constexpr std::string_view kScheme = "http://";
  if (beast::iequals(target.substr(0, kScheme.size()), kScheme))
    target.remove_prefix(std::min(target.find_first_of("/?", kScheme.size()), target.size()));
  const auto path = target.substr(0, target.find('?'));
  return path.empty() ? "/" : path;
}

bool is_beyond_limits(const error_code& error) {
  return error == http::error::header_limit || error == http::error::buffer_overflow;
}

bool is_no_http(const error_code& error) {
  return error.category() == make_error_code(http::error::bad_method).category() &&
         error != http::error::end_of_stream && error != http::error::partial_message;
}

HttpPage refusal(http::status status, std::string_view reason) {
  return {static_cast<unsigned>(status), kText, std::string(reason) + '\n'};
}

/// What a request that cannot be read gets; nullopt where nobody is left to answer.
std::optional<HttpPage> refusal_of(const error_code& error) {
  if (is_beyond_limits(error))
    return refusal(http::status::request_header_fields_too_large, "the request is too large");
  if (is_no_http(error))
    return refusal(http::status::bad_request, "this is not HTTP: " + error.message());
  return std::nullopt;
}

}  // namespace

/// One client's connection.
class HttpServer::Connection {
 public:
  Connection(tcp::socket socket, HttpServer& server)
      : stream_(std::move(socket)),
        buffer_(server.options_.max_request_bytes),
        server_(server),
        options_(server.options_) {}

  asio::awaitable<void> serve() {
    // Not `while (co_await answer_next());`: GCC 12 makes a trap of that.
    bool has_next = true;
    while (has_next) has_next = co_await answer_next();
    if (!is_cut_off_) co_await say_goodbye();
  }

  /// Since when the client has kept the server waiting: for a request, or to take the answer.
  std::chrono::steady_clock::time_point waiting_since() const { return waiting_since_; }

  void cut_off() {
    is_cut_off_ = true;
    stream_.close();
  }

  bool is_cut_off() const { return is_cut_off_; }

 private:
  /// Returns whether another request may follow.
  asio::awaitable<bool> answer_next() {
    Request request;
    request.header_limit(static_cast<std::uint32_t>(options_.max_request_bytes));
    request.body_limit(boost::none);  // it is never read
    const bool is_first = !std::exchange(has_been_asked_, true);
    wait_for_client();
    const auto [error, bytes] =
        co_await http::async_read_header(stream_, buffer_, request, kAsTuple);
    if (error) {
      // One that says nothing after an answer merely keeps the connection for later.
      note(error, is_first || buffer_.size() > 0);
      if (auto page = refusal_of(error)) co_await send(to_response(*std::move(page)), request);
      co_return false;
    }
    auto response = is_too_large(request, bytes) ? refuse_size() : respond(request);
    co_return co_await send(std::move(response), request);
  }

  bool is_too_large(const Request& request, std::size_t head_bytes) const {
    if (head_bytes > options_.max_request_bytes || request.chunked()) return true;
    return request.content_length().value_or(0) > options_.max_request_bytes - head_bytes;
  }

  Response refuse_size() {
    server_.refusals_[HttpRefusal::too_large].add();
    return to_response(refusal(http::status::payload_too_large,
                               "the request is too large, or does not say how large"));
  }

  Response respond(const Request& request) const {
    auto page = server_.handler_(path_of(request.get().target()));
    if (!page)
      return to_response(
          refusal(http::status::not_found, "there are /, /status, /metrics, /readyz and /livez"));
    if (request.get().method() == http::verb::get) return to_response(*std::move(page));
    auto response = to_response(refusal(http::status::method_not_allowed, "GET is what is served"));
    response.set(http::field::allow, "GET");
    return response;
  }

  /// Returns whether another request may follow.
  asio::awaitable<bool> send(Response response, const Request& request) {
    const bool keep_alive = request.is_done() && request.get().keep_alive() && !server_.is_full();
    response.keep_alive(keep_alive);
    response.prepare_payload();
    // Its client reads no body, and would take one for the next answer.
    if (request.get().method() == http::verb::head) response.body().clear();
    wait_for_client();
    const auto [error, bytes] = co_await http::async_write(stream_, response, kAsTuple);
    if (error) note(error, true);
    co_return keep_alive && !error;
  }

  void wait_for_client() {
    waiting_since_ = std::chrono::steady_clock::now();
    stream_.expires_after(options_.patience);
  }

  void note(const error_code& error, bool is_owed_something) {
    if (is_cut_off_) return;
    auto& refusals = server_.refusals_;
    if (error == beast::error::timeout && is_owed_something) refusals[HttpRefusal::slow].add();
    if (is_beyond_limits(error))
      refusals[HttpRefusal::too_large].add();
    else if (is_no_http(error))
      refusals[HttpRefusal::malformed].add();
  }

  /// Closing while something of the client's is unread would make TCP throw the answer away with
  /// it.
  asio::awaitable<void> say_goodbye() {
    error_code failed;
    stream_.socket().shutdown(tcp::socket::shutdown_send, failed);
    stream_.expires_after(options_.patience);
    std::array<char, 4096> unread{};
    while (!failed) {
      const auto [error, bytes] = co_await stream_.async_read_some(asio::buffer(unread), kAsTuple);
      failed = error;
    }
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  HttpServer& server_;
  const Options& options_;
  std::chrono::steady_clock::time_point waiting_since_ = std::chrono::steady_clock::now();
  bool has_been_asked_ = false;
  bool is_cut_off_ = false;
};

HttpServer::HttpServer(const asio::any_io_executor& executor, const Options& options,
                       Handler handler, HttpRefusals& refusals, Log& log)
    : options_(options),
      handler_(std::move(handler)),
      refusals_(refusals),
      log_(log),
      acceptor_(executor),
      place_free_(executor, asio::steady_timer::time_point::max()) {
  const tcp::endpoint endpoint(asio::ip::make_address(options_.host), options_.port);
  try {
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(asio::socket_base::reuse_address(true));
    acceptor_.bind(endpoint);
    acceptor_.listen();
  } catch (const boost::system::system_error& error) {
    std::ostringstream text;
    text << "http.bind: cannot bind " << endpoint << ": " << error.code().message() << "; "
         << bind_mend(error.code().value());
    throw StartupError(text.str());
  }
}

std::string HttpServer::endpoint() const {
  std::ostringstream text;
  text << acceptor_.local_endpoint();
  return text.str();
}

asio::awaitable<void> HttpServer::run() {
  for (;;) {
    auto [error, socket] = co_await acceptor_.async_accept(kAsTuple);
    if (!error) {
      note_accepted();
      co_await make_place();
      serve(std::move(socket));
      continue;
    }
    note_not_accepted(error.message());
    asio::steady_timer pause(acceptor_.get_executor(), kAcceptAgain);
    co_await pause.async_wait(kAsTuple);
  }
}

/// Logged at most once a minute, though now and then one may be accepted in between.
void HttpServer::note_not_accepted(std::string_view error) {
  ++not_accepted_;
  const auto now = std::chrono::steady_clock::now();
  if (said_not_accepted_ && now - *said_not_accepted_ < kReminder) return;
  said_not_accepted_ = now;
  is_trouble_told_ = true;
  log_.warn("http connection not accepted",
            {{"detail", error}, {"attempts_failed", not_accepted_}});
}

void HttpServer::note_accepted() {
  if (!std::exchange(is_trouble_told_, false)) return;
  log_.info("http connections accepted again",
            {{"attempts_failed", std::exchange(not_accepted_, 0)}});
}

/// A crowd of clients that ask for nothing must not keep away those that do: probes and scrapers
/// say what they want at once. Returns when there is room for one more.
asio::awaitable<void> HttpServer::make_place() {
  using Clock = std::chrono::steady_clock;
  while (is_full()) {
    auto& idlest = **std::ranges::min_element(connections_, {}, [](const Connection* connection) {
      return std::pair(connection->is_cut_off(), connection->waiting_since());
    });
    auto until = idlest.waiting_since() + kUndisturbed;
    if (idlest.is_cut_off()) {
      until = Clock::time_point::max();  // all are on their way out
    } else if (until <= Clock::now()) {
      idlest.cut_off();
      refusals_[HttpRefusal::crowded].add();
      until = Clock::time_point::max();
    }
    place_free_.expires_at(until);
    co_await place_free_.async_wait(kAsTuple);
  }
}

void HttpServer::serve(tcp::socket socket) {
  auto connection = std::make_shared<Connection>(std::move(socket), *this);
  const auto place = connections_.insert(connections_.end(), connection.get());
  auto work = connection->serve();
  asio::co_spawn(acceptor_.get_executor(), std::move(work),
                 [this, connection, place](const std::exception_ptr& failure) {
                   connections_.erase(place);
                   place_free_.cancel();
                   if (!failure) return;
                   try {
                     std::rethrow_exception(failure);
                   } catch (const std::exception& error) {
                     log_.error("http request failed", {{"detail", error.what()}});
                   }
                 });
}

}  // namespace bpx::bridge
