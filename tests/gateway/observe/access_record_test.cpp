#include "gateway/observe/access_record.hpp"

#include <string>
#include <vector>

#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;

TEST_CASE("of many attempts the first half and the latest are kept") {
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i) names.push_back("e" + std::to_string(i));
  AttemptList attempts;
  for (std::size_t n = 0; n < AttemptList::capacity; ++n) attempts.push_back({names[n]});
  CHECK(attempts.omitted() == 0);
  CHECK(attempts.kept().size() == 8);

  for (std::size_t n = AttemptList::capacity; n < names.size(); ++n) attempts.push_back({names[n]});
  CHECK(attempts.total() == 100);
  CHECK(attempts.omitted() == 92);
  std::string kept;
  for (const auto& attempt : attempts.kept()) kept += std::string(attempt.endpoint) + " ";
  CHECK(kept == "e0 e1 e2 e3 e96 e97 e98 e99 ");
  CHECK(attempts.back().endpoint == "e99");
}

TEST_CASE("a kept record says the same after its request is gone") {
  auto text = std::make_unique<std::string>("/app/key?protocol=7");
  auto record = refused_record();
  record.target = *text;
  record.status = 101;
  record.upgrade = true;
  KeptRecord kept(record);
  text.reset();

  const auto moved = std::move(kept);
  const auto again = moved.record();
  CHECK(again.target == "/app/key?protocol=7");
  CHECK(again.client_address == record.client_address);
  CHECK(again.upstream == "soketi");
  CHECK(again.user_agent == "curl/8.5");
  CHECK(again.referer.empty());
  CHECK(again.status == 101);
  CHECK(again.upgrade);
  CHECK(again.finished_at == record.finished_at);
  CHECK(again.hold_time == record.hold_time);
  CHECK(again.failure == FailureReason::connection_refused);
  CHECK_FALSE(again.tunnel);
  REQUIRE(again.attempts.kept().size() == 2);
  CHECK(again.attempts.kept()[1].endpoint == "10.0.0.2:6001");
  CHECK(again.attempts.kept()[1].outcome == AttemptOutcome::connect_timeout);
  CHECK(again.attempts.kept()[1].total == milliseconds(5'000));
}

TEST_CASE("a kept record is small and bounded") {
  CHECK(KeptRecord(plain_record()).heap_bytes() < 400);
  const std::string longest(100'000, 'x');
  auto record = plain_record();
  record.user_agent = longest;
  for (int i = 0; i < 100; ++i) record.attempts.push_back({"10.0.0.9:6001"});
  const KeptRecord kept(record);
  CHECK(kept.heap_bytes() < KeptRecord::longest_text + 800);
  const auto again = kept.record();
  CHECK(again.user_agent == std::string_view(longest).substr(0, KeptRecord::longest_text));
  CHECK(again.attempts.total() == 101);
  CHECK(again.attempts.omitted() == 93);
}

TEST_CASE("nothing kept gives an empty record") {
  const KeptRecord kept;
  CHECK_FALSE(kept);
  CHECK(kept.record().client_address.empty());
}

TEST_CASE("every value has a name") {
  for (int i = 0; i <= static_cast<int>(AttemptOutcome::abandoned); ++i) {
    CHECK(name_of(static_cast<AttemptOutcome>(i)) != "unknown");
  }
  for (std::size_t i = 0; i < tunnel_sides; ++i) CHECK(name_of(static_cast<TunnelSide>(i)) != "unknown");
  for (std::size_t i = 0; i < tunnel_ends; ++i) CHECK(name_of(static_cast<TunnelEnd>(i)) != "unknown");
}
