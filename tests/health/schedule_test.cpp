#include "health/schedule.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::health;
using tidegate::upstream::Verdict;
using namespace std::chrono_literals;

namespace {

const TimePoint last{1h};

ScheduleFacts probed(std::chrono::milliseconds period, Verdict verdict) {
  ScheduleFacts facts;
  facts.period = period;
  facts.verdict = verdict;
  facts.last = last;
  return facts;
}

ScheduleFacts unprobed(Verdict verdict, int failed_checks = 0) {
  ScheduleFacts facts;
  facts.verdict = verdict;
  facts.failed_checks = failed_checks;
  facts.last = last;
  return facts;
}

ScheduleFacts failing(ScheduleFacts facts) {
  facts.failing = true;
  return facts;
}

ScheduleFacts suspected(ScheduleFacts facts) {
  facts.suspected = true;
  return facts;
}

ScheduleFacts waiting(ScheduleFacts facts) {
  facts.waiting = true;
  return facts;
}

}  // namespace

TEST_CASE("the gap to the next probe") {
  struct Row {
    const char* name;
    ScheduleFacts facts;
    std::chrono::milliseconds shortest;  // with jitter -1
    std::chrono::milliseconds longest;   // with jitter 1
  };
  const Row rows[] = {
      {"passing", probed(10s, Verdict::pass), 9s, 11s},
      {"one failure, not yet the threshold", failing(probed(10s, Verdict::pass)), 900ms, 1100ms},
      {"failed", failing(probed(10s, Verdict::fail)), 900ms, 1100ms},
      {"failed, first pass of several", probed(10s, Verdict::fail), 900ms, 1100ms},
      {"no verdict yet", probed(10s, Verdict::unknown), 900ms, 1100ms},
      {"a short period is never prolonged", failing(probed(500ms, Verdict::fail)), 450ms, 550ms},
      {"requests wait", waiting(failing(probed(10s, Verdict::fail))), 100ms, 250ms},
      {"requests wait, no verdict yet", waiting(probed(10s, Verdict::unknown)), 100ms, 250ms},
      {"requests wait, this one passes", waiting(probed(10s, Verdict::pass)), 9s, 11s},
      {"suspected", suspected(probed(10s, Verdict::fail)), 50ms, 50ms},
      {"suspected while requests wait", waiting(suspected(probed(10s, Verdict::fail))), 50ms, 50ms},
      {"without a probe, found down", unprobed(Verdict::fail), 900ms, 1100ms},
      {"without a probe, one check failed", unprobed(Verdict::fail, 1), 1800ms, 2200ms},
      {"without a probe, two", unprobed(Verdict::fail, 2), 3600ms, 4400ms},
      {"without a probe, three", unprobed(Verdict::fail, 3), 7200ms, 8800ms},
      {"without a probe, four", unprobed(Verdict::fail, 4), 9s, 11s},
      {"without a probe, very many", unprobed(Verdict::fail, 1'000'000), 9s, 11s},
      {"without a probe, requests wait", waiting(unprobed(Verdict::fail, 5)), 100ms, 250ms},
      {"without a probe, suspected: out for a second first", suspected(unprobed(Verdict::fail)), 900ms,
       1100ms},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    CHECK(next_probe(row.facts, -1.0) == last + row.shortest);
    CHECK(next_probe(row.facts, 1.0) == last + row.longest);
    const auto middle = next_probe(row.facts, 0.0);
    CHECK(middle == last + (row.shortest + row.longest) / 2);
  }
}

TEST_CASE("probes begin at once") {
  auto facts = probed(10s, Verdict::unknown);
  facts.last.reset();
  CHECK(next_probe(facts, 1.0) == TimePoint::min());
}

TEST_CASE("without a probe, only an endpoint that was found down is checked") {
  CHECK(next_probe(unprobed(Verdict::unknown), 0) == std::nullopt);
  CHECK(next_probe(unprobed(Verdict::pass), 0) == std::nullopt);
  CHECK(next_probe(waiting(unprobed(Verdict::pass)), 0) == std::nullopt);
}
