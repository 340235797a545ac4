#include "bridge/upstream/depth_snapshots.hpp"

#include "proto/stream_name.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/url/encode.hpp>
#include <boost/url/rfc/unreserved_chars.hpp>

#include <bit>
#include <random>
#include <utility>

namespace bpx::bridge {

namespace asio = boost::asio;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::string depth_target(std::string_view path_prefix, std::string_view stream) {
  const auto name = proto::StreamName::parse(stream);
  const auto symbol = name ? name->symbol() : std::string_view{};
  return std::string(path_prefix) + "/api/v1/depth?symbol=" +
         boost::urls::encode({symbol.data(), symbol.size()}, boost::urls::unreserved_chars);
}

DepthSnapshots::DepthSnapshots(const asio::any_io_executor& observing, Options options,
                               const std::vector<std::string>& streams, TlsContext& tls, Log& log,
                               Deliver deliver)
    : observing_(observing),
      options_(std::move(options)),
      tls_(tls),
      log_(log),
      deliver_(std::move(deliver)),
      waits_{asio::steady_timer(observing), asio::steady_timer(observing)} {
  std::random_device seed;
  for (const auto& stream : streams)
    jobs_.push_back({.stream = stream,
                     .target = depth_target(options_.path_prefix, stream),
                     .backoff = Backoff(options_.backoff, seed()),
                     .due = {},
                     .delivered = {}});
}

void DepthSnapshots::want(std::size_t book) {
  asio::post(observing_, [this, book] { begin(jobs_.at(book)); });
}

void DepthSnapshots::forget(std::size_t book) {
  asio::post(observing_, [this, book] {
    jobs_.at(book).is_wanted = false;
    ++jobs_.at(book).generation;
  });
}

void DepthSnapshots::begin(Job& job) {
  const auto now = Clock::now();
  // How long the last one has served tells whether all is well again.
  const auto served = job.delivered == Clock::time_point{}
                          ? milliseconds(0)
                          : duration_cast<milliseconds>(now - job.delivered);
  job.is_wanted = true;
  ++job.generation;
  job.due = now + job.backoff.after(served, /*is_invited=*/false);
  for (auto& wait : waits_) wait.cancel();
}

asio::awaitable<void> DepthSnapshots::work(std::size_t worker) {
  std::unique_ptr<RestClient> client;  // kept while there is more to fetch at once
  for (;;) {
    auto* const job = next();
    if (job != nullptr && job->due <= Clock::now()) {
      co_await fulfil(*job, client);
      continue;
    }
    client.reset();
    waits_.at(worker).expires_at(job != nullptr ? job->due : Clock::time_point::max());
    co_await waits_.at(worker).async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

/// The job that is due first.
DepthSnapshots::Job* DepthSnapshots::next() {
  Job* first = nullptr;
  for (auto& job : jobs_)
    if (job.is_wanted && !job.is_under_way && (first == nullptr || job.due < first->due))
      first = &job;
  return first;
}

asio::awaitable<void> DepthSnapshots::fulfil(Job& job, std::unique_ptr<RestClient>& client) {
  job.is_under_way = true;
  const auto generation = job.generation;
  auto fetched = co_await fetch(job, client);
  job.is_under_way = false;
  // What was asked for before the book was lost again says nothing of what came since.
  if (job.generation != generation || !job.is_wanted) co_return;
  if (!fetched.snapshot) {
    client.reset();
    retry(job, fetched.error);
    co_return;
  }
  job.is_wanted = false;
  job.delivered = Clock::now();
  job.failures = 0;
  deliver_(static_cast<std::size_t>(&job - jobs_.data()), std::move(*fetched.snapshot));
}

asio::awaitable<DepthSnapshots::Fetched> DepthSnapshots::fetch(
    const Job& job, std::unique_ptr<RestClient>& client) {
  Fetched fetched;
  if (client == nullptr) {
    auto opened = co_await RestClient::open(options_.rest, &tls_);
    client = std::move(opened.client);
    fetched.error = std::move(opened.error);
    if (client == nullptr) co_return fetched;
  }
  auto response = co_await client->get(job.target);
  if (response.status != 200) {
    fetched.error =
        !response.error.empty() ? response.error : "HTTP " + std::to_string(response.status);
    co_return fetched;
  }
  const auto body_bytes = response.body.size();
  response.body.append(proto::DepthReader::kPadding, '\0');
  if (const auto* const snapshot =
          reader_.read_snapshot(std::string_view(response.body).substr(0, body_bytes)))
    fetched.snapshot = {.last_update_id = snapshot->last_update_id, .book = OrderBook(*snapshot)};
  else
    fetched.error = "the answer is no depth";
  if (fetched.snapshot && fetched.snapshot->book.is_too_large()) {
    fetched.snapshot.reset();
    fetched.error =
        "it has more than " + std::to_string(OrderBook::kMaxLevels) + " levels on a side";
  }
  co_return fetched;
}

/// Logged at the 1st, 2nd, 4th, 8th … failure.
void DepthSnapshots::retry(Job& job, std::string_view error) {
  const auto wait = job.backoff.after(milliseconds(0), /*is_invited=*/false);
  job.due = Clock::now() + wait;
  if (std::has_single_bit(++job.failures))
    log_.warn("book snapshot failed", {{"stream", job.stream},
                                       {"detail", error},
                                       {"attempt", job.failures},
                                       {"retry_ms", wait.count()}});
}

}  // namespace bpx::bridge
