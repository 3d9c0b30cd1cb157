#include "upstream/discovery/dns/name_watch.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>

#include "upstream/discovery/dns/schedule.hpp"

namespace tidegate::upstream::dns {

using Clock = std::chrono::steady_clock;

NameWatch::NameWatch(std::shared_ptr<Resolver> resolver, std::string name, std::vector<RecordType> types,
                     Hear hear)
    : resolver_(std::move(resolver)),
      name_(std::move(name)),
      types_(std::move(types)),
      hear_(std::move(hear)),
      timer_(resolver_->context()) {}

void NameWatch::begin() {
  wait_until(Clock::now());
}

void NameWatch::wait_until(Clock::time_point when) {
  timer_.expires_at(when);
  timer_.async_wait([weak = weak_from_this()](const auto& cancelled) {
    const auto self = weak.lock();
    if (!cancelled && self) self->search();
  });
}

void NameWatch::search() {
  auto names = resolver_->names_for(name_);
  if (names.empty()) {
    Answer refused;
    refused.why = "no name that can be asked for: it is empty or longer than 253 characters";
    finish({name_, std::vector<Answer>(types_.size(), refused)});
    return;
  }
  search_.emplace(std::move(names), known_);
  ask();
}

void NameWatch::ask() {
  answers_.assign(types_.size(), {});
  missing_ = types_.size();
  for (std::size_t index = 0; index < types_.size(); ++index) {
    resolver_->ask(search_->name(), types_[index], [weak = weak_from_this(), index](Answer answer) {
      if (const auto self = weak.lock()) self->take(index, std::move(answer));
    });
  }
}

void NameWatch::take(std::size_t index, Answer answer) {
  answers_[index] = std::move(answer);
  if (--missing_ > 0) return;
  if (const auto finding = search_->take(std::exchange(answers_, {}))) {
    finish(*finding);
  } else {
    ask();
  }
}

void NameWatch::finish(const Finding& finding) {
  if (finding.has_records()) known_ = finding.name;
  const auto outcome = outcome_of(finding, failures_);
  failures_ = outcome.failures;
  wait_until(next_question(outcome, resolver_->settings(), resolver_->draw_jitter(), Clock::now()));
  hear_(finding);
}

}  // namespace tidegate::upstream::dns
