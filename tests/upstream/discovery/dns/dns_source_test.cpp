#include "upstream/discovery/dns/dns_source.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/missing.hpp"
#include "tests/upstream/discovery/dns/scene.hpp"

using namespace tidegate;
using namespace tidegate::test;
using upstream::dns::Target;

namespace {

// Nothing, and a word of why, where there is no unbound.
std::unique_ptr<NameServer> start_name_server() {
  try {
    return std::make_unique<NameServer>();
  } catch (const Missing& missing) {
    WARN("skipped: " << missing.what());
    return nullptr;
  }
}

// Renews every answer within a second, whatever its TTL.
void hurry(Scene& scene) {
  scene.settings.max_ttl = 300ms;
  scene.settings.min_ttl = 100ms;
}

}  // namespace

TEST_CASE("A and AAAA records are followed, and who leaves is named") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("soketi.test. 1 IN A 10.0.0.2");
  server->add("soketi.test. 1 IN A 10.0.0.10");
  server->add("soketi.test. 1 IN AAAA fd00::1");
  Scene scene({server->address()});
  scene.follow("soketi.test");
  CHECK(scene.resets.empty());  // nothing is told from within the constructor
  REQUIRE(scene.until_resets(1));
  CHECK(scene.known() == "10.0.0.2:80 10.0.0.10:80 [fd00::1]:80");
  CHECK(scene.resets[0].endpoints[0].dual_stack);
  CHECK(scene.resets[0].endpoints[0].host == "soketi.test");
  REQUIRE(scene.until_confirmed(2));  // the server shuffles: that is no change
  CHECK(scene.resets.size() == 1);

  server->remove("soketi.test.");
  server->add("soketi.test. 1 IN A 10.0.0.2");
  REQUIRE(scene.until([&] { return scene.known() == "10.0.0.2:80"; }));
  // Between the two commands the server may have been asked, and then knew no such name: that changed
  // nothing.
  REQUIRE(scene.resets.size() == 2);
  CHECK(scene.resets[1].cause == "10.0.0.10 and 1 more are no longer in the DNS answer for soketi.test");
  CHECK_FALSE(scene.resets[1].endpoints[0].dual_stack);
}

TEST_CASE("one family only, if so configured") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("soketi.test. 1 IN A 10.0.0.1");
  server->add("soketi.test. 1 IN AAAA fd00::1");
  Scene scene({server->address()});
  scene.settings.family = conf::AddressFamily::ipv6;
  scene.follow("soketi.test");
  REQUIRE(scene.until_resets(1));
  CHECK(scene.known() == "[fd00::1]:80");
}

TEST_CASE("the TTL says when to ask again, within its bounds") {
  const auto server = start_name_server();
  if (!server) return;
  SECTION("a long TTL is cut") {
    server->add("soketi.test. 3600 IN A 10.0.0.1");
    Scene scene({server->address()});
    hurry(scene);
    scene.follow("soketi.test");
    CHECK(scene.until_confirmed(3));
  }
  SECTION("a short one is drawn out") {
    server->add("soketi.test. 0 IN A 10.0.0.1");
    Scene scene({server->address()});
    scene.settings.min_ttl = 400ms;
    const auto began = std::chrono::steady_clock::now();
    scene.follow("soketi.test");
    REQUIRE(scene.until_confirmed(3));
    CHECK(std::chrono::steady_clock::now() - began >= 3 * 340ms);
  }
}

TEST_CASE("a name that is gone, without addresses or refused keeps the last good ones") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("soketi.test. 1 IN A 10.0.0.1");
  Scene scene({server->address()});
  hurry(scene);
  scene.follow("soketi.test");
  REQUIRE(scene.until_resets(1));

  server->remove("soketi.test.");
  REQUIRE(scene.until_fault("does not exist (NXDOMAIN"));
  server->add("soketi.test. 1 IN TXT \"no address\"");
  REQUIRE(scene.until_fault("has no address (neither A nor AAAA record)"));
  server->refuse("soketi.test.", true);
  REQUIRE(scene.until_fault("A and AAAA: "));
  CHECK(scene.resets.size() == 1);

  server->refuse("soketi.test.", false);
  server->add("soketi.test. 1 IN A 10.0.0.2");
  REQUIRE(scene.until_resets(2));
  CHECK(scene.known() == "10.0.0.2:80");
  CHECK(scene.resets[1].cause == "10.0.0.1 is no longer in the DNS answer for soketi.test");
}

TEST_CASE("a server that is silent or gone keeps the last good addresses") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("soketi.test. 1 IN A 10.0.0.1");
  Scene scene({server->address()});
  hurry(scene);
  scene.follow("soketi.test");
  REQUIRE(scene.until_resets(1));

  server->pause();
  REQUIRE(scene.until_fault("no answer in time from " + server->address()));
  server->resume();
  REQUIRE(scene.until_confirmed());

  server->stop();
  REQUIRE(scene.until_fault("from " + server->address()));
  server->start();
  server->add("soketi.test. 1 IN A 10.0.0.2");
  REQUIRE(scene.until_resets(2));
  CHECK(scene.known() == "10.0.0.2:80");
}

TEST_CASE("before the first answer only failures are told") {
  Scene scene;
  CodeServer server(scene.context, 2);
  scene.settings.servers = {server.address()};
  scene.follow("soketi.test");
  REQUIRE(scene.until_fault("`soketi.test` A and AAAA: "));
  CHECK(scene.resets.empty());
  CHECK(scene.confirmations == 0);
}

TEST_CASE("the search list completes a name, and addresses are of one host") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("soketi.b.test. 1 IN A 10.0.0.1");
  server->add("soketi.c.test. 1 IN AAAA fd00::1");
  Scene scene({server->address()});
  scene.settings.search = {"a.test", "b.test", "c.test"};
  scene.settings.ndots = 2;
  scene.follow("soketi");
  REQUIRE(scene.until_resets(1));
  CHECK(scene.known() == "10.0.0.1:80");
  server->add("soketi.a.test. 1 IN A 10.0.0.3");
  REQUIRE(scene.until_resets(2));
  CHECK(scene.known() == "10.0.0.3:80");
}

TEST_CASE("several hundred records come over TCP") {
  const auto server = start_name_server();
  if (!server) return;
  for (int index = 1; index <= 400; ++index) {
    server->add("many.test. 1 IN A 11.0." + std::to_string(index / 250) + "." +
                std::to_string(index % 250 + 1));
  }
  Scene scene({server->address()});
  scene.follow("many.test");
  REQUIRE(scene.until_resets(1));
  CHECK(scene.resets[0].endpoints.size() == 400);
  CHECK(scene.until_confirmed());
}

TEST_CASE("SRV records bring port, weight and priority, and each target its addresses") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("_ws._tcp.soketi.test. 1 IN SRV 0 10 6001 pod-0.test.");
  server->add("_ws._tcp.soketi.test. 1 IN SRV 5 0 6002 pod-1.test.");
  server->add("_ws._tcp.soketi.test. 1 IN SRV 5 1 6003 pod-2.test.");
  server->add("pod-0.test. 1 IN A 10.0.0.1");
  server->add("pod-1.test. 1 IN A 10.0.0.2");
  Scene scene({server->address()});
  scene.follow("_ws._tcp.soketi.test", true);
  REQUIRE(scene.until_resets(1));
  CHECK(scene.known() == "10.0.0.1:6001 10.0.0.2:6002");
  const auto& endpoints = scene.resets[0].endpoints;
  CHECK(endpoints[0].weight == 10);
  CHECK(endpoints[0].priority == 0);
  CHECK(endpoints[1].weight == 1);
  CHECK(endpoints[1].priority == 5);
  REQUIRE(scene.until_warning("`pod-2.test.` does not exist"));

  SECTION("a target comes up") {
    server->add("pod-2.test. 1 IN A 10.0.0.3");
    REQUIRE(scene.until_resets(2));
    CHECK(scene.known() == "10.0.0.1:6001 10.0.0.2:6002 10.0.0.3:6003");
    CHECK(scene.until_confirmed());
  }
  SECTION("one that is gone keeps its addresses, another one moves") {
    server->remove("pod-0.test.");
    REQUIRE(scene.until_warning("`pod-0.test.` does not exist"));
    CHECK(scene.resets.size() == 1);
    server->remove("pod-1.test.");
    server->add("pod-1.test. 1 IN A 10.0.0.4");
    REQUIRE(scene.until_resets(2));
    CHECK(scene.known() == "10.0.0.1:6001 10.0.0.4:6002");
    CHECK(scene.resets[1].cause == "10.0.0.2 is no longer in the DNS answer for _ws._tcp.soketi.test");
  }
  SECTION("a record is withdrawn, then all") {
    server->remove("_ws._tcp.soketi.test.");
    server->add("_ws._tcp.soketi.test. 1 IN SRV 5 1 6002 pod-1.test.");
    REQUIRE(scene.until_resets(2));
    CHECK(scene.known() == "10.0.0.2:6002");
    server->remove("_ws._tcp.soketi.test.");
    server->add("_ws._tcp.soketi.test. 1 IN SRV 0 0 0 .");
    REQUIRE(scene.until_fault("decidedly not there"));
    CHECK(scene.resets.size() == 2);
  }
}

TEST_CASE("a target that never resolves is warned of, and the others do not grow old by it") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("_ws._tcp.test. 1 IN SRV 0 1 6001 there.test.");
  server->add("_ws._tcp.test. 1 IN SRV 0 1 6001 gone.test.");
  server->add("there.test. 1 IN A 10.0.0.1");
  Scene scene({server->address()});
  hurry(scene);
  scene.follow("_ws._tcp.test", true);
  REQUIRE(scene.until_resets(1));
  CHECK(scene.known() == "10.0.0.1:6001");
  const auto faults = scene.faults.size();  // it may have been heard of before the others
  CHECK(scene.until_confirmed(4));
  CHECK(scene.until_warning("`gone.test.` does not exist"));
  CHECK(scene.faults.size() == faults);
  CHECK(scene.resets.size() == 1);
}

TEST_CASE("an address that stands for a whole Service is warned of, once") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("soketi.hex.svc.cluster.local. 1 IN A 10.96.0.7");
  server->add("7.0.96.10.in-addr.arpa. 1 IN PTR soketi.hex.svc.cluster.local.");
  Scene scene({server->address()});
  hurry(scene);
  scene.settings.search = {"hex.svc.cluster.local"};
  scene.settings.ndots = 5;
  Target target{{"soketi", 6001, false}, 1, {}, false};

  SECTION("a ClusterIP") {
    scene.follow(target);
    REQUIRE(scene.until([&] { return !scene.warnings.empty(); }));
    CHECK(scene.warnings[0].find("`soketi` is a Kubernetes Service with one address, 10.96.0.7") == 0);
    CHECK(scene.warnings[0].find("`virtual: true`") != std::string::npos);
    REQUIRE(scene.until_confirmed(3));
    CHECK(scene.warnings.size() == 1);
  }
  SECTION("told to be virtual") {
    target.is_virtual = true;
    scene.follow(target);
    REQUIRE(scene.until_confirmed(3));
    CHECK(scene.warnings.empty());
  }
  SECTION("the only pod of a headless Service") {
    server->remove("7.0.96.10.in-addr.arpa.");
    server->add("7.0.96.10.in-addr.arpa. 1 IN PTR 10-96-0-7.soketi.hex.svc.cluster.local.");
    scene.follow(target);
    REQUIRE(scene.until_confirmed(3));
    CHECK(scene.warnings.empty());
  }
  SECTION("an SRV record that names the Service itself") {
    server->add("_ws._tcp.soketi.hex.svc.cluster.local. 1 IN SRV 0 100 6001 soketi.hex.svc.cluster.local.");
    scene.follow("_ws._tcp.soketi.hex.svc.cluster.local", true);
    REQUIRE(scene.until_confirmed(3));
    CHECK(scene.warnings.size() == 1);
  }
}

TEST_CASE("a source that is destroyed tells nothing more, by its own event too") {
  const auto server = start_name_server();
  if (!server) return;
  server->add("soketi.test. 1 IN A 10.0.0.1");
  Scene scene({server->address()});
  hurry(scene);
  int told = 0;
  auto events = scene.events();
  SECTION("with a question under way") {
    scene.follow("soketi.test");
    scene.context.run_one();  // the question is sent
    scene.source.reset();
  }
  SECTION("by its update") {
    events.update = [&](const upstream::DiscoveryUpdate&) {
      ++told;
      scene.source.reset();
      scene.resolver.reset();
    };
    scene.resolver = std::make_shared<upstream::dns::Resolver>(scene.context, scene.settings, scene.options);
    scene.source =
        upstream::dns::make_dns_source(scene.resolver, {{"soketi.test", 80, false}, 1, {}, false}, events);
    REQUIRE(scene.until([&] { return told > 0; }));
  }
  // What is left of it ends by itself: nothing keeps the context busy.
  scene.resolver.reset();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  scene.context.restart();
  while (scene.context.run_one_until(deadline) > 0) continue;
  CHECK(std::chrono::steady_clock::now() < deadline);
  CHECK(told <= 1);
  CHECK(scene.resets.empty());
  CHECK(scene.confirmations == 0);
  CHECK(scene.faults.empty());
}
