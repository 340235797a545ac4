#include "bridge/relay/answers.hpp"

#include <algorithm>

namespace bpx::bridge {
namespace {

/// What it costs to begin with a request: thousands of messages may have to be passed over until
/// the first that was asked for. So many bytes could be answered in that time.
constexpr std::size_t kBeginningBytes = std::size_t{64} << 10U;

}  // namespace

Answers::Question::Question(Audience to, std::string_view asked_by)
    : audience(to), topic(asked_by), request(proto::ReplayRequest::parse(topic)) {}

Answers::Answers(std::size_t most_waiting, Replay& replay, BookAnswers& books,
                 Measurements& measurements)
    : most_waiting_(most_waiting), replay_(replay), books_(books), measurements_(measurements) {}

bool Answers::ask(const Subscription& subscription) {
  auto& questions = asker(subscription.caller).questions;
  const auto is_same = [&](const Question& other) { return other.is_asked_by(subscription); };
  if (std::ranges::any_of(questions, is_same)) return false;
  questions.emplace_back(subscription.audience, subscription.topic);
  return true;
}

void Answers::give_up(const Subscription& subscription) {
  const auto asker = std::ranges::find(askers_, subscription.caller.number, &Asker::number);
  if (asker == askers_.end()) return;
  asker->questions.remove_if(
      [&](const Question& question) { return question.is_asked_by(subscription); });
}

bool Answers::go_on() {
  auto budget = kTurnBytes;
  for (auto left = askers_.size(); left > 0 && budget > 0; --left) {
    auto& asker = askers_.front();
    go_on_with(asker, budget);
    if (asker.questions.empty() && asker.backlog->bytes() == 0)
      askers_.pop_front();
    else
      askers_.splice(askers_.end(), askers_, askers_.begin());
  }
  measurements_.replay_backlog.set(whole_->bytes());
  return budget > 0;
}

Answers::Asker& Answers::asker(const Caller& caller) {
  const auto found = std::ranges::find(askers_, caller.number, &Asker::number);
  if (found != askers_.end()) return *found;
  return askers_.emplace_back(
      Asker{caller.number, std::make_shared<Backlog>(whole_), std::list<Question>()});
}

bool Answers::may_have_more(const Asker& asker) const {
  const auto waiting = asker.backlog->bytes();
  return waiting == 0 || waiting + whole_->bytes() < most_waiting_;
}

void Answers::go_on_with(Asker& asker, std::size_t& budget) {
  auto& questions = asker.questions;
  while (!questions.empty() && budget > 0 && may_have_more(asker)) {
    auto& [audience, topic, request, progress] = questions.front();
    auto cost = Backlog::kMessageOverhead + (progress.has_begun ? 0 : kBeginningBytes);
    const bool is_of_book = request.kind == proto::ReplayRequest::Kind::book;
    if (is_of_book)
      cost += books_.serve(audience, topic, request.stream, *asker.backlog);
    else
      cost += replay_.go_on(audience, topic, request, progress, *asker.backlog);
    budget -= std::min(budget, cost);
    if (is_of_book || progress.has_ended) questions.pop_front();
  }
}

}  // namespace bpx::bridge
