#include "upstream/endpoint_state.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::upstream;

namespace {

constexpr Discovery discoveries[] = {Discovery::present, Discovery::not_serving, Discovery::draining,
                                     Discovery::absent};
constexpr Verdict verdicts[] = {Verdict::unknown, Verdict::pass, Verdict::fail};
constexpr AdminOrder orders[] = {AdminOrder::none, AdminOrder::drain};

// Calls `check` with every combination of facts there is.
template <typename Check>
void for_all_facts(Check check) {
  for (const auto discovery : discoveries) {
    for (const auto verdict : verdicts) {
      for (const auto admin : orders) {
        for (const unsigned flags : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
          EndpointFacts facts;
          facts.discovery = discovery;
          facts.verdict = verdict;
          facts.admin = admin;
          facts.probed = (flags & 1U) != 0;
          facts.virtual_address = (flags & 2U) != 0;
          facts.empty = (flags & 4U) != 0;
          CAPTURE(static_cast<int>(discovery), static_cast<int>(verdict), static_cast<int>(admin), flags);
          check(facts, derive_state(facts));
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("an endpoint that is to stay follows its verdict") {
  struct Row {
    Verdict verdict;
    bool probed;
    EndpointState expected;
  };
  const Row rows[] = {
      {Verdict::unknown, true, EndpointState::probing}, {Verdict::unknown, false, EndpointState::ready},
      {Verdict::pass, true, EndpointState::ready},      {Verdict::pass, false, EndpointState::ready},
      {Verdict::fail, true, EndpointState::unready},    {Verdict::fail, false, EndpointState::unready},
  };
  for_all_facts([&](const EndpointFacts& facts, EndpointState state) {
    if (facts.discovery != Discovery::present || facts.admin == AdminOrder::drain || facts.virtual_address)
      return;
    for (const auto& row : rows) {
      if (row.verdict == facts.verdict && row.probed == facts.probed) CHECK(state == row.expected);
    }
  });
}

TEST_CASE("draining wins over every verdict, and removal over draining") {
  for_all_facts([](const EndpointFacts& facts, EndpointState state) {
    const bool leaves = facts.discovery == Discovery::draining || facts.discovery == Discovery::absent ||
                        facts.admin == AdminOrder::drain;
    const bool gone = facts.discovery == Discovery::absent && facts.empty;
    if (gone) CHECK(state == EndpointState::removed);
    if (leaves && !gone) CHECK(state == EndpointState::draining);
    if (!leaves) CHECK(state != EndpointState::draining);
    if (!gone) CHECK(state != EndpointState::removed);
  });
}

TEST_CASE("what does not serve is unready whatever its verdict, unless it leaves") {
  for_all_facts([](const EndpointFacts& facts, EndpointState state) {
    if (facts.discovery == Discovery::not_serving && facts.admin == AdminOrder::none)
      CHECK(state == EndpointState::unready);
  });
}

TEST_CASE("no verdict takes a virtual address out") {
  for_all_facts([](const EndpointFacts& facts, EndpointState state) {
    const bool leaves = facts.discovery != Discovery::present || facts.admin == AdminOrder::drain;
    if (facts.virtual_address && !leaves) CHECK(state == EndpointState::ready);
  });
}

TEST_CASE("every state has a name") {
  CHECK(name_of(EndpointState::probing) == "probing");
  CHECK(name_of(EndpointState::ready) == "ready");
  CHECK(name_of(EndpointState::unready) == "unready");
  CHECK(name_of(EndpointState::draining) == "draining");
  CHECK(name_of(EndpointState::removed) == "removed");
}
