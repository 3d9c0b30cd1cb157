#include "health/verdict.hpp"

#include <string>
#include <string_view>

#include "tests/support/catch.hpp"

using namespace tidegate::health;
using namespace std::chrono_literals;

namespace {

// One letter per result: pass, not ready, refused, (s)et back, timeout, unreachable, invalid, (x) internal.
ProbeOutcome outcome_for(char letter) {
  switch (letter) {
    case 'p': return ProbeOutcome::pass;
    case 'n': return ProbeOutcome::not_ready;
    case 'r': return ProbeOutcome::refused;
    case 's': return ProbeOutcome::reset;
    case 't': return ProbeOutcome::timeout;
    case 'u': return ProbeOutcome::unreachable;
    case 'i': return ProbeOutcome::invalid_answer;
    default: return ProbeOutcome::internal;
  }
}

// What each result turned the verdict to: (P)ass, (F)ail, or `.` for no change.
std::string run(VerdictCounter& counter, std::string_view results, const VerdictRules& rules,
                std::chrono::steady_clock::duration age = 1h) {
  std::string turns;
  for (const char letter : results) {
    const auto changed = counter.count(outcome_for(letter), rules, age);
    turns += !changed ? '.' : (*changed == Verdict::pass ? 'P' : 'F');
  }
  return turns;
}

}  // namespace

TEST_CASE("results in a row turn the verdict as a Kubernetes readiness probe does") {
  struct Row {
    const char* name;
    int success_threshold;
    int failure_threshold;
    Verdict start;
    const char* results;
    const char* turns;
  };
  const Row rows[] = {
      {"the first pass counts", 1, 3, Verdict::unknown, "ppp", "P.."},
      {"so many passes in a row", 3, 3, Verdict::unknown, "ppp", "..P"},
      {"a failure begins the count anew", 3, 3, Verdict::unknown, "pptppp", ".....P"},
      {"so many timeouts in a row", 1, 3, Verdict::pass, "ttt", "..F"},
      {"a pass begins the count anew", 1, 3, Verdict::pass, "ttptt", "....."},
      {"one timeout is enough if configured", 1, 1, Verdict::pass, "t", "F"},
      {"timeouts of an unknown one", 1, 3, Verdict::unknown, "ttt", "..F"},
      {"kinds of counted failures add up", 1, 3, Verdict::pass, "tui", "..F"},
      {"an explicit answer acts at once", 1, 3, Verdict::pass, "n", "F"},
      {"a refusal acts at once", 1, 3, Verdict::pass, "r", "F"},
      {"a reset acts at once", 1, 3, Verdict::pass, "s", "F"},
      {"an unreachable address is counted", 1, 3, Verdict::pass, "uuu", "..F"},
      {"an invalid answer is counted", 1, 3, Verdict::pass, "iii", "..F"},
      {"an explicit answer to the first probe", 1, 3, Verdict::unknown, "np", "FP"},
      {"failing on is no change", 1, 3, Verdict::fail, "nrst", "...."},
      {"recovery takes the success threshold", 2, 3, Verdict::fail, "pnpp", "...P"},
      {"the prober's own trouble says nothing", 1, 3, Verdict::pass, "xxxxx", "....."},
      {"nor does it begin a count anew", 1, 3, Verdict::pass, "txtxt", "....F"},
      {"nor between passes", 3, 3, Verdict::unknown, "pxpxp", "....P"},
  };
  for (const auto& row : rows) {
    INFO(row.name);
    VerdictCounter counter(row.start);
    CHECK(run(counter, row.results, {row.success_threshold, row.failure_threshold, {}}) == row.turns);
  }
}

TEST_CASE("the initial delay keeps early failures from counting, not passes") {
  const VerdictRules rules{1, 3, 10s};
  VerdictCounter counter;
  CHECK(run(counter, "ntrttt", rules, 9s) == "......");
  CHECK(counter.verdict() == Verdict::unknown);
  SECTION("a pass counts") {
    CHECK(run(counter, "p", rules, 9s) == "P");
    CHECK(run(counter, "n", rules, 9s) == "F");  // it has started, so this is no early failure
  }
  SECTION("later failures count, from nought") {
    CHECK(run(counter, "ttt", rules, 10s) == "..F");
  }
}

TEST_CASE("a worker's refusal fails it without a probe, and the way back takes the whole threshold") {
  VerdictCounter counter;
  CHECK(run(counter, "pp", {2, 3, {}}) == ".P");
  counter.fail();
  CHECK(counter.verdict() == Verdict::fail);
  CHECK(run(counter, "pp", {2, 3, {}}) == ".P");
}

TEST_CASE("a counter knows its run and whether it is failing") {
  VerdictCounter counter(Verdict::pass);
  CHECK_FALSE(counter.failing());
  CHECK(run(counter, "t", {}) == ".");
  CHECK(counter.failing());
  CHECK(counter.verdict() == Verdict::pass);
  CHECK(run(counter, "tx", {}) == "..");
  CHECK(counter.run() == 2);
  CHECK(run(counter, "p", {}) == ".");
  CHECK_FALSE(counter.failing());
  CHECK(counter.run() == 1);
}
