#include "bridge/upstream/depth_snapshots.hpp"

#include "proto/stream_name.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include <algorithm>
#include <bit>
#include <exception>
#include <random>
#include <utility>

namespace bpx::bridge {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

SnapshotQueue::Trouble trouble_of(unsigned status) {
  using enum SnapshotQueue::Trouble;
  switch (status) {
    case 200:
    case 400:
    case 404: return of_book;  // it has looked at the request, and might answer another
    case 401:
    case 403:
    case 429:
    case 503: return of_site;
    default: return unclear;
  }
}

/// Who has been asked too much is not asked again at once, whether or not it says so.
milliseconds leave_alone(const RestClient::Response& response) {
  const milliseconds otherwise(response.status == 429 ? 1'000 : 0);
  return std::max<milliseconds>(response.retry_after.value_or(std::chrono::seconds(0)), otherwise);
}

}  // namespace

std::string depth_target(std::string_view path_prefix, std::string_view stream) {
  const auto name = proto::StreamName::parse(stream);
  const auto symbol = name ? name->symbol() : std::string_view{};
  return std::string(path_prefix) + "/api/v1/depth?symbol=" +
         boost::urls::encode({symbol.data(), symbol.size()}, boost::urls::unreserved_chars) +
         "&limit=" + std::to_string(proto::kMostRestLevels);
}

DepthSnapshots::DepthSnapshots(const asio::any_io_executor& observing, Options options,
                               const std::vector<std::string>& streams, TlsContext& tls, Log& log,
                               Deliver deliver)
    : observing_(observing),
      options_(std::move(options)),
      tls_(tls),
      failures_(log, {.many = "many book snapshots failed",
                      .check = "/status tells which books are not in sync"}),
      deliver_(std::move(deliver)),
      queue_(options_.backoff, streams.size(), std::random_device{}()),
      waits_{asio::steady_timer(observing), asio::steady_timer(observing)} {
  for (const auto& stream : streams)
    sources_.push_back({.stream = stream, .target = depth_target(options_.path_prefix, stream)});
}

void DepthSnapshots::want(std::size_t book) {
  asio::post(observing_, [this, book] {
    queue_.want(book, Clock::now());
    wake();
  });
}

void DepthSnapshots::forget(std::size_t book) {
  asio::post(observing_, [this, book] { queue_.forget(book); });
}

void DepthSnapshots::wake() {
  for (auto& wait : waits_) wait.cancel();
}

asio::awaitable<void> DepthSnapshots::work(std::size_t worker) {
  constexpr std::chrono::seconds kKept{5};  // sites that keep connections at all do so for longer
  std::unique_ptr<RestClient> client;       // kept while there is more to fetch soon
  Clock::time_point last_used;
  for (;;) {
    if (Clock::now() > last_used + kKept) client.reset();  // the other workers had all there was
    if (const auto errand = queue_.take(Clock::now())) {
      co_await fulfil(*errand, client);
      last_used = Clock::now();
      wake();
      continue;
    }
    if (queue_.next() > Clock::now() + kKept) client.reset();
    waits_.at(worker).expires_at(queue_.next());
    co_await waits_.at(worker).async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

/// Failures are logged at the 1st, 2nd, 4th, 8th …, and few a minute.
asio::awaitable<void> DepthSnapshots::fulfil(SnapshotQueue::Errand errand,
                                             std::unique_ptr<RestClient>& client) {
  const auto& source = sources_.at(errand.book);
  Fetched fetched;
  try {
    fetched = co_await fetch(source.target, client);
  } catch (const std::exception& error) {  // an errand that did not end would hold up all others
    fetched = {.snapshot = {}, .error = error.what(), .trouble = Trouble::unclear};
  }
  const auto now = Clock::now();
  if (fetched.snapshot) {
    if (queue_.delivered(errand, now)) deliver_(errand.book, std::move(*fetched.snapshot));
    co_return;
  }
  client.reset();
  const auto failure = queue_.failed(errand, fetched.trouble, fetched.leave_alone, now);
  if (failure && std::has_single_bit(failure->attempt))
    failures_.write(LogLevel::warn, "book snapshot failed",
                    {{"stream", source.stream},
                     {"detail", fetched.error},
                     {"attempt", failure->attempt},
                     {"retry_ms", failure->retry.count()}});
}

asio::awaitable<DepthSnapshots::Fetched> DepthSnapshots::fetch(
    const std::string& target, std::unique_ptr<RestClient>& client) {
  Fetched fetched;
  RestClient::Response response;
  if (client != nullptr) response = co_await client->get(target);
  if (client == nullptr || response.is_unheard) {  // a site may end a connection after each answer
    auto opened = co_await RestClient::open(options_.rest, &tls_);
    client = std::move(opened.client);
    fetched.error = std::move(opened.error);
    if (client == nullptr) co_return fetched;
    response = co_await client->get(target);
  }
  if (!response.may_go_on) client.reset();
  fetched.trouble = trouble_of(response.status);
  fetched.leave_alone = leave_alone(response);
  if (response.status != 200) {
    fetched.error =
        !response.error.empty() ? response.error : "HTTP " + std::to_string(response.status);
    co_return fetched;
  }
  read(response.body, fetched);
  co_return fetched;
}

/// Lengthens the body by what the reader needs behind it.
void DepthSnapshots::read(std::string& body, Fetched& fetched) {
  const auto bytes = body.size();
  body.append(proto::DepthReader::kPadding, '\0');
  const auto* const depth = reader_.read_snapshot(std::string_view(body).substr(0, bytes));
  if (depth == nullptr) {
    fetched.error = "the answer is no depth";
    return;
  }
  OrderBook book(*depth);
  if (book.is_too_large()) {
    fetched.error =
        "it has more than " + std::to_string(OrderBook::kMaxLevels) + " levels on a side";
    return;
  }
  book.cut_at(proto::kMostRestLevels);
  fetched.snapshot = {.last_update_id = depth->last_update_id, .book = std::move(book)};
}

}  // namespace bpx::bridge
