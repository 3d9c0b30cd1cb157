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
  if (any_is(answers, AnswerKind::no_name)) return !has_records();  // for every type (RFC 8020)
  return !has_records() && !any_is(answers, AnswerKind::failed) && !any_is(answers, AnswerKind::unanswered);
}

NameSearch::NameSearch(std::vector<std::string> names, std::string known)
    : names_(std::move(names)), known_(std::move(known)) {}

std::optional<Finding> NameSearch::take(std::vector<Answer> answers) {
  Finding finding{name(), std::move(answers)};
  if (finding.has_records()) {
    if (known_.empty() || known_ == finding.name) return finding;
    if (failed_) return std::move(failed_);
    const auto here = names_.begin() + static_cast<std::ptrdiff_t>(index_);
    const bool further_down = std::find(names_.begin(), here, known_) != here;
    return further_down ? std::move(*absent_) : std::move(finding);
  }
  if (!finding.is_absent() && any_is(finding.answers, AnswerKind::unanswered)) return finding;

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
