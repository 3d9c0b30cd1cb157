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
  const auto* const found = router.match(listener, host, path);
  return found == nullptr ? "none" : found->name;
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

TEST_CASE("a hostile path does not stop a worker: a match that takes too many steps is none") {
  const auto config = configure(route("slow", "path: { regex: '^/(a+)+$' }") + route("root", "path: /"));
  const Router router(config);
  CHECK(matched(router, "a", "/aaa") == "slow");
  CHECK(matched(router, "a", "/" + std::string(5000, 'a') + "!") == "root");
}
