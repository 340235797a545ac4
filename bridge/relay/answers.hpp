#pragma once

#include "bridge/publish/backlog.hpp"
#include "bridge/publish/subscription.hpp"
#include "bridge/relay/books.hpp"
#include "bridge/relay/replay.hpp"
#include "proto/replay_request.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

namespace bpx::bridge {

/// Answers what consumers ask for, a part at a time, so that neither the exchange's messages nor
/// other askers wait long, and no faster than they take it, so that what waits for them has a
/// bound: nobody may have more waiting than is left for the others. One asker has half of the bound
/// at most. Where those who never read have all of it, whoever has taken what it got still gets a
/// message at a time. One thread.
class Answers {
 public:
  /// In one turn; what answers an average request to the end.
  static constexpr std::size_t kTurnBytes = std::size_t{1} << 20U;

  /// `most_waiting`: bytes, of all together; a message for each asker may go beyond it.
  Answers(std::size_t most_waiting, Replay& replay, BookAnswers& books, Measurements& measurements);

  /// `subscription`, which begins, asks for this. Returns false where the same is being answered.
  bool ask(const Subscription& subscription);

  /// Who asked by such a subscription wants no answer any more.
  void give_up(const Subscription& subscription);

  /// A turn. Returns whether there is nothing to be done before somebody asks or takes more.
  bool go_on();

 private:
  /// One request. Does not move: parts of it are views of others.
  struct Question {
    Question(Audience to, std::string_view asked_by);

    bool is_asked_by(const Subscription& subscription) const {
      return topic == subscription.topic && audience == subscription.audience;
    }

    Audience audience;
    std::string topic;
    proto::ReplayRequest request;
    Replay::Progress progress;
  };

  struct Asker {
    std::uint64_t number;
    std::shared_ptr<Backlog> backlog;
    std::list<Question> questions;  ///< the oldest first
  };

  Asker& asker(const Caller& caller);
  bool may_have_more(const Asker& asker) const;
  void go_on_with(Asker& asker, std::size_t& budget);

  std::size_t most_waiting_;
  Replay& replay_;
  BookAnswers& books_;
  Measurements& measurements_;
  std::shared_ptr<Backlog> whole_ = std::make_shared<Backlog>();
  std::list<Asker> askers_;  ///< whose turn is next first
};

}  // namespace bpx::bridge
