#pragma once

#include "bridge/observe/few_a_minute.hpp"
#include "bridge/observe/log.hpp"
#include "bridge/observe/vocabulary.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

namespace bpx::bridge {

/// Tells the log which books are lost and which are right again, a few a minute by name: a
/// reconnect takes hundreds along. What is lost for one reason hides nothing that is lost for
/// another. One thread.
class BookNews {
 public:
  explicit BookNews(Log& log) : log_(log) {}

  void lost(std::string_view stream, BookLoss why) {
    const auto [of_reason, is_new] = lost_.try_emplace(why, log_, kLost);
    of_reason->second.write(is_meant(why) ? LogLevel::info : LogLevel::warn, "book lost",
                            {{"stream", stream}, {"reason", to_string(why)}});
  }

  void in_sync(std::string_view stream, std::uint64_t update_id, std::size_t levels) {
    in_sync_.write(LogLevel::info, "book in sync",
                   {{"stream", stream}, {"update_id", update_id}, {"levels", levels}});
  }

 private:
  static constexpr std::string_view kCheck = "/status tells which books are in sync";
  static constexpr FewAMinute::Options kLost{.many = "many books lost", .check = kCheck};
  static constexpr FewAMinute::Options kInSync{.many = "many books in sync", .check = kCheck};

  static bool is_meant(BookLoss why) { return why == BookLoss::unsubscribed; }

  Log& log_;
  std::map<BookLoss, FewAMinute> lost_;
  FewAMinute in_sync_{log_, kInSync};
};

}  // namespace bpx::bridge
