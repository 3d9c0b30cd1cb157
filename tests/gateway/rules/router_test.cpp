#include "gateway/process/router.hpp"

#include "conf/yaml_reader.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate;
using gateway::has_path_prefix;
using gateway::Router;

namespace {

// Routes as whole lines; every route answers itself.
conf::Config configure(const std::string& routes) {
  std::string yaml = "listeners: [\"127.0.0.1:8001\", \"127.0.0.1:8002\"]\nroutes:\n" + routes;
  auto result = conf::read_yaml(yaml, "test.yaml");
  if (const auto* errors = std::get_if<conf::ConfigErrors>(&result)) FAIL(errors->front().text());
  return std::get<conf::Config>(std::move(result));
}

std::string route(const std::string& name, const std::string& rest) {
  return "  - { name: " + name + ", respond: { status: 200 }, " + rest + " }\n";
}

std::string matched(const Router& router, const std::string& host, const std::string& path,
                    std::size_t listener = 0) {
  const auto found = router.match(listener, host, path);
  if (found.gave_up) return "gave up at " + found.route->name;
  return found.route == nullptr ? "none" : found.route->name;
}

}  // namespace

TEST_CASE("within a host: exact, then regex in file order, then the longest prefix") {
  const auto config =
      configure(route("root", "path: /") + route("app", "path: /app") + route("app-deep", "path: /app/deep") +
                route("number", "path: { regex: '^/app/[0-9]+$' }") +
                route("digit", "path: { regex: '^/app/[0-9]' }") + route("exact", "path: { exact: /app/7 }"));
  const Router router(config);
  CHECK(matched(router, "a", "/") == "root");
  CHECK(matched(router, "a", "/other") == "root");
  CHECK(matched(router, "a", "/app") == "app");
  CHECK(matched(router, "a", "/app/x") == "app");
  CHECK(matched(router, "a", "/apple") == "root");
  CHECK(matched(router, "a", "/app/deep/er") == "app-deep");
  CHECK(matched(router, "a", "/app/7") == "exact");
  CHECK(matched(router, "a", "/app/8") == "number");
  CHECK(matched(router, "a", "/app/8x") == "digit");
}

TEST_CASE("hosts: exact, then the longest wildcard, then any") {
  const auto config = configure(route("any", "path: /") + route("wide", "hosts: ['*.example.com'], path: /") +
                                route("narrow", "hosts: ['*.a.example.com'], path: /") +
                                route("exact", "hosts: [x.a.example.com], path: /"));
  const Router router(config);
  CHECK(matched(router, "x.a.example.com", "/") == "exact");
  CHECK(matched(router, "y.a.example.com", "/") == "narrow");
  CHECK(matched(router, "z.y.a.example.com", "/") == "narrow");
  CHECK(matched(router, "a.example.com", "/") == "wide");
  CHECK(matched(router, "b.example.com", "/") == "wide");
  CHECK(matched(router, "example.com", "/") == "any");
  CHECK(matched(router, "notexample.com", "/") == "any");
  CHECK(matched(router, "", "/") == "any");
  CHECK(matched(router, ".example.com", "/") == "wide");
}

TEST_CASE("a host without a fitting path leaves the request to the next") {
  const auto config =
      configure(route("exact", "hosts: [a.example.com], path: /only") +
                route("wild", "hosts: ['*.example.com'], path: /here") + route("any", "path: /there"));
  const Router router(config);
  CHECK(matched(router, "a.example.com", "/only") == "exact");
  CHECK(matched(router, "a.example.com", "/here") == "wild");
  CHECK(matched(router, "a.example.com", "/there") == "any");
  CHECK(matched(router, "a.example.com", "/nowhere") == "none");
}

TEST_CASE("a route serves the listeners it names") {
  const auto config =
      configure(route("both", "path: /") + route("second", "listeners: ['127.0.0.1:8002'], path: /own"));
  const Router router(config);
  CHECK(matched(router, "a", "/own", 0) == "both");
  CHECK(matched(router, "a", "/own", 1) == "second");
}

TEST_CASE("prefixes match whole segments") {
  CHECK(has_path_prefix("/app", "/app"));
  CHECK(has_path_prefix("/app/", "/app"));
  CHECK(has_path_prefix("/app/x", "/app/"));
  CHECK(has_path_prefix("/anything", "/"));
  CHECK_FALSE(has_path_prefix("/apple", "/app"));
  CHECK_FALSE(has_path_prefix("/app", "/app/"));
  CHECK_FALSE(has_path_prefix("/", "/app"));
}

// What PCRE2 could not finish was once taken for "no match", so that a long path walked past the access list
// of its route to the next one.
TEST_CASE("a regex that gives up refuses: nothing is matched further, on this host or the next") {
  const auto config = configure(route("slow", "hosts: [a], path: { regex: '^/(a+)+$' }") +
                                route("later", "hosts: [a], path: { regex: '^/a' }") +
                                route("root", "hosts: [a], path: /") + route("any", "path: /"));
  const Router router(config);
  CHECK(matched(router, "a", "/aaa") == "slow");
  CHECK(matched(router, "a", "/ab") == "later");
  CHECK(matched(router, "a", "/" + std::string(5000, 'a') + "!") == "gave up at slow");
}

// Without an anchor the steps were counted anew at every byte: one path of 16 KB took a fifth of a second.
TEST_CASE("a regex without an anchor has fewer steps at each place of a long path") {
  const auto config = configure(route("any", "path: { regex: '(?:a|b)*?[0-9]' }") + route("root", "path: /"));
  const Router router(config);
  CHECK(matched(router, "a", "/" + std::string(500, 'a') + "1") == "any");
  CHECK(matched(router, "a", "/" + std::string(500, 'a')) == "root");
  CHECK(matched(router, "a", "/" + std::string(16000, 'a')) == "gave up at any");
}

TEST_CASE("a long path of many segments is matched to its end") {
  const auto config =
      configure(route("private", "path: { regex: '^(/[^/]*)*/private' }") +
                route("admin", "path: { regex: '^/(?:[^/]+/)*admin$' }") + route("root", "path: /"));
  const Router router(config);
  const auto repeat = [](const std::string& part, int times) {
    std::string whole;
    for (int i = 0; i < times; ++i) whole += part;
    return whole;
  };
  CHECK(matched(router, "a", repeat("/", 1000) + "private") == "private");
  CHECK(matched(router, "a", "/" + repeat("x/", 1000) + "admin") == "admin");
  CHECK(matched(router, "a", "/" + repeat("x/", 7000) + "admin") != "root");
}

TEST_CASE("decoded line feeds in a path neither end it nor stop a dot") {
  const auto config = configure(route("all", "path: { regex: '^/private/.*$' }") +
                                route("end", "path: { regex: '^/end$' }") + route("root", "path: /"));
  const Router router(config);
  CHECK(matched(router, "a", "/private/\nx") == "all");
  CHECK(matched(router, "a", "/end") == "end");
  CHECK(matched(router, "a", "/end\n") == "root");
}
