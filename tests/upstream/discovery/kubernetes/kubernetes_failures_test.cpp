// An API server that is away, slow, or says what is of no use: what was known stays, and the reason is told.
#include "tests/support/catch.hpp"
#include "tests/upstream/discovery/kubernetes/scene.hpp"

using namespace tidegate;
using namespace tidegate::upstream;
using namespace std::chrono_literals;

TEST_CASE("a server that is down leaves what was known, and its return brings the differences") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}, {"10.0.0.2"}}));
  t.start();
  t.wait_for("10.0.0.1:6001 10.0.0.2:6001");
  t.wait_for_watch();
  t.api.stop();
  t.wait_for_failure(t.api.url() + " cannot be asked: connect: Connection refused");
  t.run_until("a second failure", [&] { return t.failures.size() >= 2; });
  CHECK(t.known() == "10.0.0.1:6001 10.0.0.2:6001");
  t.api.put_slice(slice("a", {{"10.0.0.1"}, {"10.0.0.3"}}));
  t.api.start();
  t.wait_for("10.0.0.1:6001 10.0.0.3:6001");
  CHECK(t.resets == 1);
  CHECK(t.changed == 2);
  CHECK(t.api.counts().lists == 1);  // the watch went on from its version
}

TEST_CASE("a server that is back as it was confirms") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for_watch();
  t.wait_for("10.0.0.1:6001");
  t.api.stop();
  t.wait_for_failure("Connection refused");
  const auto before = t.confirmed;
  t.api.start();
  t.run_until("a confirmation", [&] { return t.confirmed > before; });
  CHECK(t.updates == 1);
}

TEST_CASE("a server that does not answer is not waited for") {
  Scene t;
  t.options.answer = 200ms;
  t.api.set_stalled(true);
  t.start();
  t.wait_for_failure("it did not answer within 200ms");
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.api.set_stalled(false);
  t.wait_for("10.0.0.1:6001");
}

TEST_CASE("a server that speaks of something else") {
  Scene t;
  t.api.answer_exactly("<html>");
  t.start();
  t.wait_for_failure("cannot be asked: its list is not JSON: ");
  t.api.answer_exactly("{\"kind\":\"Pod\"}");
  t.wait_for_failure("its answer is no EndpointSliceList");
  t.api.answer_exactly("");
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.wait_for("10.0.0.1:6001");
}

TEST_CASE("a watch that ends at once is no watch, and is not begun again and again") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for_watch();
  t.wait_for("10.0.0.1:6001");
  SECTION("without a word") {
    t.api.answer_exactly("{}");  // of which there is no line
    t.api.close_watches();
    t.wait_for_failure("it ended a watch at once");
  }
  SECTION("with nonsense") {
    t.api.answer_exactly("{}\n");
    t.api.close_watches();
    t.wait_for_failure("an event of its watch has no object");
  }
  CHECK(t.known() == "10.0.0.1:6001");
}

TEST_CASE("refusals say what they mean") {
  struct Row {
    int status;
    const char* expected;
  };
  const Row rows[] = {
      {403,
       " does not let tidegate list endpointslices.discovery.k8s.io in namespace hex (403): a Role with"},
      {404, " knows no endpointslices of discovery.k8s.io/v1 (404)"},
      {500, " answered a list of endpointslices with HTTP 500"},
      {429, " is asked too much by all its clients (429)"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.status);
    Scene t;
    t.api.refuse(row.status, "as told");
    t.api.put_slice(slice("a", {{"10.0.0.1"}}));
    t.start();
    t.wait_for_failure(row.expected);
    CHECK(t.failures.at(0).ends_with(" (\"as told\")"));
    t.api.refuse(0);
    t.wait_for("10.0.0.1:6001");
  }
}

TEST_CASE("a watch that is not allowed leaves what the list has told") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for_watch();
  t.wait_for("10.0.0.1:6001");
  t.api.refuse(403);
  t.api.close_watches();
  t.wait_for_failure(" does not let tidegate watch endpointslices.discovery.k8s.io");
  CHECK(t.known() == "10.0.0.1:6001");
}

TEST_CASE("a server that sends one event and then forgets is not asked again and again") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  // A watch that lasts for a second, which a busy machine may make of it, is not one of these.
  const auto told = [&] {
    return std::ranges::any_of(t.failures, [](const std::string& why) {
      return why.find("what it listed is too old at once (410)") != std::string::npos;
    });
  };
  for (int round = 2; round < 100 && !told(); ++round) {
    t.wait_for_watch();
    t.api.put_slice(slice("a", {{"10.0.0." + std::to_string(round)}}));
    t.wait_for("10.0.0." + std::to_string(round) + ":6001");
    t.api.expire_watches();
  }
  CHECK(told());
}

TEST_CASE("a server that forgets at once what it has listed is not asked again and again") {
  Scene t;
  t.api.refuse(410);
  t.start();
  t.wait_for_failure("what it listed is too old at once (410)");
  CHECK(t.api.counts().lists <= 3);
}

// === slices ===

TEST_CASE("a port that no slice has") {
  Scene t;
  t.source.port = 80;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for_failure(
      "Kubernetes namespace hex: slice a of Service soketi has no TCP port 80; it has ws (6001). ");
  CHECK(t.updates == 0);
  t.wait_for_watch();
  auto other = slice("a", {{"10.0.0.1"}});
  other.ports = {{"ws", 80}};
  t.api.put_slice(other);
  t.wait_for("10.0.0.1:80");
  CHECK(t.resets == 1);
}

TEST_CASE("a slice that cannot be used beside one that can is told once") {
  Scene t;
  auto names = slice("b", {{"pod.example"}});
  names.address_type = "FQDN";
  t.api.put_slice(names);
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.start();
  t.wait_for("10.0.0.1:6001");
  t.wait_for_watch();
  t.api.put_slice(names);
  t.api.put_slice(slice("a", {{"10.0.0.2"}}));
  t.wait_for("10.0.0.2:6001");
  REQUIRE(t.warnings.size() == 1);
  CHECK(t.warnings[0].starts_with(
      "namespace hex: slice b of Service soketi has names, which are not followed"));
}

TEST_CASE("a slice that makes no sense leaves what was known of it") {
  Scene t;
  t.api.put_slice(slice("a", {{"10.0.0.1"}}));
  t.api.put_slice(slice("b", {{"10.0.1.1"}}));
  t.start();
  t.wait_for("10.0.0.1:6001 10.0.1.1:6001");
  t.wait_for_watch();
  t.api.put_slice(slice("b", {{"nonsense"}}));
  t.wait_for_failure(
      "namespace hex: EndpointSlice b cannot be used: endpoints.addresses[0] is not an IPv4 address");
  t.api.put_slice(slice("a", {{"10.0.0.2"}}));
  t.wait_for("10.0.0.2:6001 10.0.1.1:6001");
  t.api.expire_watches();
  t.run_until("a second list", [&] { return t.api.counts().lists == 2; });
  t.wait_for_watch();
  CHECK(t.known() == "10.0.0.2:6001 10.0.1.1:6001");
  t.api.put_slice(slice("b", {{"10.0.1.2"}}));
  t.wait_for("10.0.0.2:6001 10.0.1.2:6001");
}
