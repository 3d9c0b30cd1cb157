// From single probe results to a verdict, with the semantics of a Kubernetes readiness probe: so many equal
// results in a row turn it over, a different one begins the count anew. Beyond Kubernetes, an explicit
// not-ready answer, a refusal and a reset act at once, because a pod that says so is about to drop what it
// still accepts.
#pragma once

#include <optional>

#include "health/probe_result.hpp"
#include "upstream/endpoint_state.hpp"

namespace tidegate::health {

using upstream::Verdict;

struct VerdictRules {
  int success_threshold = 1;
  int failure_threshold = 3;
  // Until this age, failures of an endpoint that never passed do not count (initialDelaySeconds).
  std::chrono::steady_clock::duration initial_delay{};
};

// The count of one endpoint; pure, the caller performs what follows from it.
class VerdictCounter {
 public:
  explicit VerdictCounter(Verdict verdict = Verdict::unknown) : verdict_(verdict) {}

  // Counts a result of an endpoint that has been watched for `age`. The new verdict if it changed.
  [[nodiscard]] std::optional<Verdict> count(ProbeOutcome outcome, const VerdictRules& rules,
                                             std::chrono::steady_clock::duration age);
  // Something other than a probe (a worker's refused connection) has shown that it is down.
  void fail();

  [[nodiscard]] Verdict verdict() const { return verdict_; }
  // Equal results in a row, the last one included.
  [[nodiscard]] int run() const { return run_; }
  // Whether the last result that counted was a failure.
  [[nodiscard]] bool failing() const { return run_ > 0 && !passing_; }

 private:
  [[nodiscard]] std::optional<Verdict> turn(Verdict verdict);

  Verdict verdict_;
  bool passing_ = false;
  int run_ = 0;
};

}  // namespace tidegate::health
