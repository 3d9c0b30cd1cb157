#include "upstream/discovery/dns/name_search.hpp"

#include <algorithm>
#include <utility>

namespace tidegate::upstream::dns {
namespace {

bool any_is(const std::vector<Answer>& answers, AnswerKind kind) {
  return std::ranges::find(answers, kind, &Answer::kind) != answers.end();
}

}  // namespace

bool Finding::has_records() const {
  return any_is(answers, AnswerKind::records);
}

bool Finding::is_absent() const {
  return !has_records() && !any_is(answers, AnswerKind::failed) && !any_is(answers, AnswerKind::unanswered);
}

NameSearch::NameSearch(std::vector<std::string> names, std::string known)
    : names_(std::move(names)), known_(std::move(known)) {}

std::optional<Finding> NameSearch::take(std::vector<Answer> answers) {
  Finding finding{name(), std::move(answers)};
  if (finding.has_records()) {
    const bool doubtful = failed_ && !known_.empty() && known_ != finding.name;
    return doubtful ? std::move(*failed_) : std::move(finding);
  }
  if (any_is(finding.answers, AnswerKind::unanswered)) return finding;

  if (!finding.is_absent()) {
    if (!failed_) failed_ = std::move(finding);
  } else if (!absent_ || (any_is(finding.answers, AnswerKind::no_records) &&
                          !any_is(absent_->answers, AnswerKind::no_records))) {
    absent_ = std::move(finding);
  }
  if (++index_ < names_.size()) return std::nullopt;
  return failed_ ? std::move(failed_) : std::move(absent_);
}

}  // namespace tidegate::upstream::dns
