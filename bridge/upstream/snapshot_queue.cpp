#include "bridge/upstream/snapshot_queue.hpp"

#include <algorithm>

namespace bpx::bridge {

using std::chrono::duration_cast;

SnapshotQueue::SnapshotQueue(const Backoff::Options& backoff, std::size_t books, std::uint64_t seed)
    : site_{.backoff = Backoff(backoff, seed)} {
  jobs_.reserve(books);
  for (std::size_t book = 0; book < books; ++book)
    jobs_.push_back({.backoff = Backoff(backoff, seed + book + 1)});
}

void SnapshotQueue::want(std::size_t book, TimePoint now) {
  auto& job = jobs_.at(book);
  // How long the last one has served tells whether all is well again.
  const auto served = job.delivered == TimePoint{}
                          ? Milliseconds(0)
                          : duration_cast<Milliseconds>(now - job.delivered);
  job.is_wanted = true;
  ++job.generation;
  job.due = now + job.backoff.after(served, /*is_invited=*/false);
}

void SnapshotQueue::forget(std::size_t book) {
  jobs_.at(book).is_wanted = false;
  ++jobs_.at(book).generation;
  site_.unclear.erase(book);
}

std::optional<SnapshotQueue::Errand> SnapshotQueue::take(TimePoint now) {
  if (next() > now) return std::nullopt;
  const auto book = static_cast<std::size_t>(first() - jobs_.data());
  jobs_[book].is_under_way = true;
  ++under_way_;
  pace_.sent(now);
  return Errand{
      .book = book, .generation = jobs_[book].generation, .site_generation = site_.generation};
}

SnapshotQueue::TimePoint SnapshotQueue::next() const {
  const bool is_tried = site_.failures > 0 && under_way_ > 0;
  const auto* const job = first();
  if (job == nullptr || is_tried) return TimePoint::max();
  return std::max({job->due, pace_.next(), site_.due});
}

bool SnapshotQueue::delivered(const Errand& errand, TimePoint now) {
  note_answer(errand);
  if (!end(errand)) return false;
  auto& job = jobs_[errand.book];
  job.is_wanted = false;
  job.delivered = now;
  job.failures = 0;
  return true;
}

std::optional<SnapshotQueue::Failure> SnapshotQueue::failed(const Errand& errand, Trouble trouble,
                                                            Milliseconds at_least, TimePoint now) {
  const bool is_awaited = end(errand);
  auto& job = jobs_[errand.book];
  if (trouble == Trouble::of_book) note_answer(errand);
  if (trouble == Trouble::unclear && is_awaited) site_.unclear.insert(errand.book);
  const bool is_of_site = trouble == Trouble::of_site ||
                          (trouble == Trouble::unclear && site_.unclear.size() >= kMakeASite);
  const bool is_for_all = trouble != Trouble::of_book && at_least > Milliseconds(0);
  if (is_for_all) site_.due = std::max(site_.due, now + at_least);
  if (!is_of_site && !is_awaited)
    return is_for_all ? std::optional<Failure>({.attempt = 1, .retry = at_least}) : std::nullopt;
  auto& failures = is_of_site ? site_.failures : job.failures;
  auto& backoff = is_of_site ? site_.backoff : job.backoff;
  const auto wait = at_least + backoff.after(Milliseconds(0), /*is_invited=*/false);
  job.due = now + wait;
  if (is_of_site) {
    site_.due = std::max(site_.due, job.due);
    ++site_.generation;
  }
  return Failure{.attempt = ++failures, .retry = wait};
}

/// What is due first.
const SnapshotQueue::Job* SnapshotQueue::first() const {
  const Job* first = nullptr;
  for (const auto& job : jobs_)
    if (job.is_wanted && !job.is_under_way && (first == nullptr || job.due < first->due))
      first = &job;
  return first;
}

/// What was asked before the site was last in trouble says nothing of whether that is over.
void SnapshotQueue::note_answer(const Errand& errand) {
  site_.unclear.clear();
  if (errand.site_generation != site_.generation) return;
  site_.failures = 0;
  site_.backoff.reset();
}

/// Returns whether it is still what is wanted.
bool SnapshotQueue::end(const Errand& errand) {
  auto& job = jobs_.at(errand.book);
  job.is_under_way = false;
  --under_way_;
  return job.is_wanted && job.generation == errand.generation;
}

}  // namespace bpx::bridge
