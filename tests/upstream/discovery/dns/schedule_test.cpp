#include "upstream/discovery/dns/schedule.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate;
using namespace tidegate::upstream::dns;
using namespace std::chrono_literals;

namespace {

const TimePoint now{1h};

Answer answer(AnswerKind kind, std::optional<std::chrono::seconds> ttl = {}) {
  Answer made;
  made.kind = kind;
  made.ttl = ttl;
  return made;
}

}  // namespace

TEST_CASE("the gap to the next question") {
  struct Row {
    const char* name;
    Outcome outcome;
    std::chrono::milliseconds shortest;  // with jitter -1
    std::chrono::milliseconds longest;   // with jitter 1
  };
  // The bounds are 1 s and 300 s.
  const Row rows[] = {
      {"before the TTL runs out", {30s, true, 0}, 25'500ms, 28'500ms},
      {"a TTL of 0", {0s, true, 0}, 850ms, 950ms},
      {"no TTL", {{}, true, 0}, 850ms, 950ms},
      {"a TTL of weeks", {std::chrono::seconds(0x7fffffff), true, 0}, 255s, 285s},
      {"first failure", {{}, false, 1}, 800ms, 1s},
      {"second", {{}, false, 2}, 1600ms, 2s},
      {"fourth", {{}, false, 4}, 6400ms, 8s},
      {"from then on", {{}, false, 5}, 8s, 10s},
      {"a thousand", {{}, false, 1000}, 8s, 10s},
      {"NXDOMAIN is remembered", {5s, false, 1}, 4s, 5s},
      {"but not for as long as it may be", {3600s, false, 1}, 8s, 10s},
      {"one family failed, the other is renewed", {30s, true, 1}, 800ms, 1s},
      {"often, and the other has a short TTL", {2s, true, 9}, 1700ms, 1900ms},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    CHECK(next_question(row.outcome, {}, -1, now) - now == row.shortest);
    CHECK(next_question(row.outcome, {}, 1, now) - now == row.longest);
  }
}

TEST_CASE("the bounds of a TTL bound failures too") {
  conf::Resolver settings;
  settings.min_ttl = 500ms;
  settings.max_ttl = 4s;
  CHECK(next_question({0s, true, 0}, settings, 1, now) - now == 475ms);
  CHECK(next_question({60s, true, 0}, settings, 1, now) - now == 3800ms);
  CHECK(next_question({60s, false, 9}, settings, 1, now) - now == 4s);
}

TEST_CASE("what a finding means for the next question") {
  struct Row {
    const char* name;
    std::vector<Answer> answers;
    std::optional<std::chrono::seconds> ttl;
    bool renewed;
    int failures;  // after two
  };
  const auto records = answer(AnswerKind::records, 30s);
  const Row rows[] = {
      {"both families", {records, answer(AnswerKind::records, 20s)}, 20s, true, 0},
      {"one has none, for a short time", {records, answer(AnswerKind::no_records, 1s)}, 30s, true, 0},
      {"one fails", {records, answer(AnswerKind::failed)}, 30s, true, 3},
      {"one does not answer", {answer(AnswerKind::unanswered), records}, 30s, true, 3},
      {"none", {answer(AnswerKind::no_records, 9s), answer(AnswerKind::no_records, 5s)}, 5s, false, 3},
      {"no name", {answer(AnswerKind::no_name)}, {}, false, 3},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    const auto outcome = outcome_of({"x.test", row.answers}, 2);
    CHECK(outcome.ttl == row.ttl);
    CHECK(outcome.renewed == row.renewed);
    CHECK(outcome.failures == row.failures);
  }
}
