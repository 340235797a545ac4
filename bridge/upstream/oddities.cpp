#include "bridge/upstream/oddities.hpp"

#include "bridge/publish/audience.hpp"

#include <bit>
#include <chrono>
#include <utility>

namespace bpx::bridge {
namespace {

/// Without a key nothing is the account's, whatever is bound.
std::string_view why_undelivered(bool is_private, bool has_key) {
  if (!is_private) return "publish.public.bind is empty";
  return has_key ? "publish.private.bind is empty" : "no API key is configured";
}

}  // namespace

void Oddities::note_error(const proto::Envelope& answer, bool is_laid_to_a_request) {
  const auto error = exchange_error(answer.error_code);
  auto& unexpected = unexpected_errors_[error];
  bool is_news = false;
  if (!is_laid_to_a_request || error == ExchangeError::other) {
    unexpected.add();
    is_news = error_news_.is_news(answer.error_message, unexpected.value(),
                                  std::chrono::steady_clock::now());
  }
  log_.write(is_news ? LogLevel::warn : LogLevel::debug, "error from the exchange",
             {{"code", answer.error_code},
              {"message", answer.error_message},
              {"about_a_request", is_laid_to_a_request},
              {"count", unexpected.value()}});
}

void Oddities::note_malformed(std::string_view fault, std::size_t bytes) {
  const bool is_new = faults_.insert(fault).second;
  const auto count = upstream_.malformed.value();
  if (is_new || std::has_single_bit(count))
    log_.warn("malformed message", {{"fault", fault}, {"bytes", bytes}, {"count", count}});
}

void Oddities::note_undelivered(std::string_view stream) {
  const bool is_private = audience_of(stream) == Audience::account;
  auto& has_been_noted = is_private ? has_noted_private_ : has_noted_public_;
  if (std::exchange(has_been_noted, true)) return;
  log_.warn(is_private ? "account data withheld" : "public data withheld",
            {{"stream", stream}, {"reason", why_undelivered(is_private, has_key_)}});
}

}  // namespace bpx::bridge
