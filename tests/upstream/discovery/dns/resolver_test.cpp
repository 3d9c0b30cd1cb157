#include "upstream/discovery/dns/resolver.hpp"

#include <fstream>
#include <stdexcept>

#include "tests/support/catch.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tests/upstream/discovery/dns/scene.hpp"

using namespace tidegate;
using namespace tidegate::test;
using upstream::dns::Answer;
using upstream::dns::AnswerKind;
using upstream::dns::RecordType;
using upstream::dns::Resolver;

namespace {

constexpr unsigned no_name = 3;
constexpr unsigned server_failure = 2;

// Asks for an A record and waits for what comes of it.
Answer ask(Scene& scene, Resolver& resolver, const std::string& name = "soketi.test") {
  std::optional<Answer> heard;
  resolver.ask(name, RecordType::a, [&](Answer answer) { heard = std::move(answer); });
  CHECK_FALSE(heard);  // never from within the call
  REQUIRE(scene.until([&] { return heard.has_value(); }));
  return *heard;
}

}  // namespace

TEST_CASE("a dead first server leads to the next one") {
  Scene scene;
  CodeServer silent(scene.context, std::nullopt);
  CodeServer failing(scene.context, server_failure);
  CodeServer good(scene.context, no_name);
  scene.settings.servers = {silent.address(), failing.address(), good.address()};
  Resolver resolver(scene.context, scene.settings, scene.options);
  CHECK(ask(scene, resolver).kind == AnswerKind::no_name);
  CHECK(silent.asked() == 1);
  CHECK(failing.asked() == 1);
  CHECK(good.asked() == 1);
}

TEST_CASE("what servers say when none has an answer") {
  Scene scene;
  SECTION("silence, after all tries") {
    CodeServer silent(scene.context, std::nullopt);
    scene.settings.servers = {silent.address()};
    scene.settings.tries = 3;
    scene.settings.timeout = 100ms;
    Resolver resolver(scene.context, scene.settings, scene.options);
    const auto answer = ask(scene, resolver);
    CHECK(answer.kind == AnswerKind::unanswered);
    CHECK(answer.why == "no answer in time");
    CHECK(silent.asked() == 3);
  }
  SECTION("SERVFAIL") {
    CodeServer failing(scene.context, server_failure);
    scene.settings.servers = {failing.address()};
    Resolver resolver(scene.context, scene.settings, scene.options);
    CHECK(ask(scene, resolver).kind == AnswerKind::failed);
  }
  SECTION("a name that cannot be asked for") {
    CodeServer good(scene.context, no_name);
    scene.settings.servers = {good.address()};
    Resolver resolver(scene.context, scene.settings, scene.options);
    CHECK(ask(scene, resolver, "a..b").kind == AnswerKind::failed);
    CHECK(good.asked() == 0);
  }
}

TEST_CASE("no server is asked for localhost") {
  Scene scene;
  CodeServer good(scene.context, no_name);
  scene.settings.servers = {good.address()};
  scene.settings.search = {"test"};
  scene.follow("localhost");
  REQUIRE(scene.until_resets(1));
  CHECK(scene.known() == "127.0.0.1:80 [::1]:80");
  CHECK(good.asked() == 0);
}

TEST_CASE("questions are bounded, and the others wait in order") {
  Scene scene;
  CodeServer silent(scene.context, std::nullopt);
  scene.settings.servers = {silent.address()};
  scene.settings.tries = 1;
  scene.options.most_questions = 2;
  Resolver resolver(scene.context, scene.settings, scene.options);
  std::string order;
  for (const char name : {'a', 'b', 'c'}) {
    resolver.ask(std::string(1, name), RecordType::a, [&order, name](const Answer&) { order += name; });
  }
  // The third one goes out once the first is given up.
  REQUIRE(scene.until([&] { return silent.asked() == 2; }));
  REQUIRE(scene.until([&] { return silent.asked() == 3; }));
  CHECK_FALSE(order.empty());
  REQUIRE(scene.until([&] { return order.size() == 3; }));
  CHECK(order == "abc");
}

TEST_CASE("a resolver that is destroyed with questions under way calls nobody") {
  Scene scene;
  CodeServer silent(scene.context, std::nullopt);
  scene.settings.servers = {silent.address()};
  auto resolver = std::make_unique<Resolver>(scene.context, scene.settings, scene.options);
  bool called = false;
  for (const auto* name : {"a.test", "b.test"}) {
    resolver->ask(name, RecordType::a, [&](const Answer&) { called = true; });
  }
  REQUIRE(scene.until([&] { return silent.asked() == 2; }));
  resolver.reset();
  scene.context.restart();
  scene.context.poll();
  CHECK_FALSE(called);
}

TEST_CASE("resolv.conf is read again when it changes") {
  Scene scene;
  CodeServer first(scene.context, no_name);
  CodeServer second(scene.context, no_name);
  const TemporaryFolder folder;
  scene.options.resolv_conf = folder.file("resolv.conf");
  std::ofstream(scene.options.resolv_conf) << "nameserver 127.0.0.1\nsearch a.test\noptions ndots:3\n";
  scene.settings.search.reset();
  Resolver resolver(scene.context, scene.settings, scene.options);
  CHECK(resolver.servers() == "127.0.0.1:53");
  CHECK(resolver.names_for("x.y") == std::vector<std::string>{"x.y.a.test", "x.y"});
  std::ofstream(scene.options.resolv_conf) << "nameserver 127.0.0.2\nnameserver ::1\nsearch b.test\n";
  REQUIRE(scene.until([&] {
    return resolver.names_for("x.y") == std::vector<std::string>{"x.y", "x.y.b.test"};
  }));
  CHECK(resolver.servers() == "127.0.0.2:53, [::1]:53");
}

TEST_CASE("the configuration goes before resolv.conf, and a server is an address") {
  Scene scene;
  scene.settings.servers = {"10.0.0.10", "10.0.0.11:5353", "::1", "[fd00::10]:53"};
  CHECK(Resolver(scene.context, scene.settings, scene.options).servers() ==
        "10.0.0.10:53, 10.0.0.11:5353, [::1]:53, [fd00::10]:53");
  for (const auto* wrong : {"dns.example", "dns.example:53", "10.0.0.1:0", "", "unix:/run/dns"}) {
    INFO(wrong);
    scene.settings.servers = {wrong};
    CHECK_THROWS_AS(Resolver(scene.context, scene.settings, scene.options), std::invalid_argument);
  }
}
