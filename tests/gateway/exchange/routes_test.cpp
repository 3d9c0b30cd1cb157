// Which route a request takes, and the actions that need no endpoint.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// A gateway whose routes answer with their own names.
struct Named {
  explicit Named(const std::string& routes)
      : gateway("listeners: [127.0.0.1:0]\nroutes:\n" + routes), client(gateway.port()) {}

  std::string at(const std::string& host, const std::string& target) {
    client.send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    const auto answer = client.read_answer();
    return answer.status == 404 ? "404" : answer.body;
  }

  GatewayFixture gateway;
  RawClient client;
};

}  // namespace

TEST_CASE("hosts: exact, then the longest wildcard, then routes without hosts; in any case, with any port") {
  Named t(
      "  - { hosts: [a.example], respond: { body: exact } }\n"
      "  - { hosts: ['*.example'], respond: { body: wildcard } }\n"
      "  - { hosts: ['*.deep.example'], respond: { body: deep } }\n"
      "  - { hosts: ['[::1]'], respond: { body: six } }\n"
      "  - { respond: { body: any } }\n");
  CHECK(t.at("a.example", "/") == "exact");
  CHECK(t.at("A.Example:8080", "/") == "exact");
  CHECK(t.at("b.example", "/") == "wildcard");
  CHECK(t.at("x.b.example", "/") == "wildcard");
  CHECK(t.at("x.deep.example", "/") == "deep");
  CHECK(t.at("example", "/") == "any");
  CHECK(t.at("[::1]:80", "/") == "six");
  CHECK(t.at("fake.example.net", "/") == "any");
  CHECK(t.at("a.example.", "/") == "exact");  // the root's dot
  CHECK(t.at("x.b.example.:80", "/") == "wildcard");
}

TEST_CASE("RFC 5952: one IPv6 address in another spelling is the same host; IPv4 has one spelling only") {
  Named t(
      "  - { hosts: ['[0:0:0:0:0:0:0:1]'], respond: { body: six } }\n"
      "  - { hosts: ['[2001:DB8::A]'], respond: { body: doc } }\n"
      "  - { hosts: ['[::ffff:10.0.0.1]'], respond: { body: mapped } }\n"
      "  - { hosts: [10.0.0.1], respond: { body: four } }\n"
      "  - { respond: { body: any } }\n");
  for (const std::string host : {"[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]:80", "[::0.0.0.1]"}) {
    CAPTURE(host);
    CHECK(t.at(host, "/") == "six");
  }
  CHECK(t.at("[2001:db8:0::A]", "/") == "doc");
  CHECK(t.at("[2001:0DB8:0:0:0:0:0:000a]:8443", "/") == "doc");
  CHECK(t.at("[::FFFF:a00:1]", "/") == "mapped");
  CHECK(t.at("10.0.0.1", "/") == "four");
  CHECK(t.at("[::2]", "/") == "any");
  // Some take the zeros for octal digits, or the whole for no address.
  CHECK(t.at("010.0.0.1", "/") == "any");
  CHECK(t.at("10.0.0.01", "/") == "any");
  CHECK(t.at("10.1", "/") == "any");
  t.client.send("GET / HTTP/1.1\r\nHost: [::1%25eth0]\r\n\r\n");
  CHECK(t.client.read_answer().status == 400);
}

TEST_CASE("RFC 9110 7.2: a Host that is percent-encoded names no route by another spelling") {
  Named t(
      "  - { hosts: [admin.example], respond: { status: 403, body: no } }\n  - { respond: { body: all } }\n");
  t.client.send("GET / HTTP/1.1\r\nHost: %61dmin.example\r\n\r\n");
  CHECK(t.client.read_answer().status == 400);
}

TEST_CASE("paths: exact, then regex in file order, then the longest prefix of whole segments") {
  Named t(
      "  - { path: { exact: /a/b }, respond: { body: exact } }\n"
      "  - { path: { regex: '^/a/[0-9]+$' }, respond: { body: number } }\n"
      "  - { path: { regex: '^/a/' }, respond: { body: regex } }\n"
      "  - { path: /p, respond: { body: p } }\n"
      "  - { path: /p/q, respond: { body: pq } }\n");
  CHECK(t.at("h", "/a/b") == "exact");
  CHECK(t.at("h", "/a/b?c") == "exact");
  CHECK(t.at("h", "/a/12") == "number");
  CHECK(t.at("h", "/a/x") == "regex");
  CHECK(t.at("h", "/p") == "p");
  CHECK(t.at("h", "/p/x") == "p");
  CHECK(t.at("h", "/p/q/x") == "pq");
  CHECK(t.at("h", "/pq") == "404");
  CHECK(t.at("h", "/") == "404");
}

TEST_CASE("RFC 3986 6.2.2: paths are matched decoded and without dots, so that none walks around a route") {
  Named t(
      "  - { path: /admin, respond: { status: 403, body: no } }\n"
      "  - { path: /, respond: { body: all } }\n");
  for (const std::string path :
       {"/admin", "/%61dmin", "/x/../admin", "/./admin/x", "/x/%2e%2e/admin", "//admin", "/.//admin/x",
        "///admin", "/admin%2fx", "/%2Fadmin", "/admin//x"}) {
    CAPTURE(path);
    CHECK(t.at("h", path) == "no");
  }
}

TEST_CASE("paths that servers read in different ways are refused") {
  for (const std::string path : {"/x%2f..%2fadmin", "/x/..%2fadmin", "/x//../admin", "/x/..\\admin"}) {
    CAPTURE(path);
    Named t("  - { path: /admin, respond: { status: 403 } }\n  - { respond: { body: all } }\n");
    t.client.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(t.client.read_answer().status == 400);
  }
}

// nginx, HAProxy and Envoy let %0a through, and so is it here; no rule may end before it.
TEST_CASE("a decoded control byte is a character like any other, by which nobody walks around a rule") {
  Named t(
      "  - { path: { regex: '^/admin/.*$' }, respond: { status: 403, body: no } }\n"
      "  - { path: { regex: '^/end$' }, respond: { body: end } }\n"
      "  - { path: /private, respond: { body: private } }\n"
      "  - { path: /, respond: { body: all } }\n");
  for (const std::string path : {"/admin/%0ax", "/admin/x%0a", "/admin/%0d%0ax%7f", "/admin/%1fx"}) {
    CAPTURE(path);
    CHECK(t.at("h", path) == "no");
  }
  CHECK(t.at("h", "/end") == "end");
  CHECK(t.at("h", "/end%0a") == "all");
  CHECK(t.at("h", "/private/%0ax") == "private");
}

// A path that the regex of a route with an access list could not be matched to went on to the next route.
TEST_CASE("a path too complicated for a route's regex is refused, never served by another route") {
  Named t(
      "  - { path: { regex: '^/(a+)+$' }, access: [{ deny: all }], respond: { body: private } }\n"
      "  - { path: /, respond: { body: all } }\n");
  CHECK(t.at("h", "/b") == "all");
  t.client.send("GET /" + std::string(3000, 'a') + "! HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 400);
  CHECK(answer.body.find("the path is too complicated") != std::string::npos);
}

TEST_CASE("RFC 9110 15.5.5: no route is 404, and the connection goes on") {
  Named t("  - { hosts: [a], respond: { body: here } }\n");
  CHECK(t.at("b", "/") == "404");
  CHECK(t.at("a", "/") == "here");
  CHECK(t.gateway.failures(gateway::FailureReason::no_route) == 1);
}

TEST_CASE("RFC 9110 9.3.2: the gateway's own answers to HEAD have no body either") {
  Named t("  - { hosts: [a], respond: { body: here } }\n");
  t.client.send("HEAD / HTTP/1.1\r\nHost: b\r\n\r\n");
  CHECK(t.client.read_answer(true).status == 404);
  CHECK(t.at("a", "/") == "here");
}

TEST_CASE("a matched prefix is stripped or replaced, the query kept") {
  const auto target_at_pod = [](const std::string& path, const std::string& action,
                                const std::string& target) {
    ScriptedBackend backend;
    GatewayFixture gateway("listeners: [127.0.0.1:0]\nroutes:\n  - path: " + path +
                           "\n    upstream: pods\n    " + action + "\nupstreams: { pods: { endpoints: ['" +
                           backend.address() + "'] } }\n");
    RawClient client(gateway.port());
    client.send(get(target));
    auto pod = backend.accept();
    return pod.read_request().target;
  };
  CHECK(target_at_pod("/v1", "stripPrefix: true", "/v1/users?a=b") == "/users?a=b");
  CHECK(target_at_pod("/v1", "stripPrefix: true", "/v1") == "/");
  CHECK(target_at_pod("/v1/", "stripPrefix: true", "/v1/users") == "/users");
  CHECK(target_at_pod("/v1", "replacePrefix: /api/v2", "/v1/users") == "/api/v2/users");
  CHECK(target_at_pod("/v1", "replacePrefix: /api/", "/v1/users") == "/api/users");
  CHECK(target_at_pod("/v1", "replacePrefix: /api", "/v1") == "/api");
  // What matched only when decoded is rewritten from the decoded path, and encoded anew.
  CHECK(target_at_pod("/v1", "stripPrefix: true", "/%761/a%20b") == "/a%20b");
  CHECK(target_at_pod("/v1", "stripPrefix: true", "/x/../v1/../v1/users") == "/users");
}

TEST_CASE("RFC 9110 15.4: a redirect with variables, for HEAD too") {
  Named t("  - { redirect: { to: 'https://shop.example$request_uri', status: 301 } }\n");
  t.client.send(get("/a?b=c"));
  auto answer = t.client.read_answer();
  CHECK(answer.status == 301);
  CHECK(answer.field("Location") == "https://shop.example/a?b=c");
  t.client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n");
  answer = t.client.read_answer(true);
  CHECK(answer.status == 301);
  CHECK(answer.field("Location") == "https://shop.example/x");
  // Of the absolute-form too it is the path and query alone.
  for (const std::string target : {"http://a/x?y", "http://a?y", "http://a"}) {
    CAPTURE(target);
    t.client.send("GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n");
    const std::string path = target == "http://a/x?y" ? "/x?y" : target == "http://a?y" ? "/?y" : "/";
    CHECK(t.client.read_answer().field("Location") == "https://shop.example" + path);
  }
  t.client.send(get("/%0d%0aSet-Cookie:%20a"));
  CHECK_FALSE(t.client.read_answer().has("Set-Cookie"));
}

TEST_CASE("a fixed answer has its status, type and body; HEAD gets the same head") {
  Named t(
      "  - respond: { status: 418, body: '{}', contentType: application/json }\n"
      "    responseHeaders: { set: { X-Own: $host, Content-Type: text/own } }\n");
  t.client.send(get());
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 418);
  CHECK(answer.body == "{}");
  CHECK(answer.field("X-Own") == "test");
  CHECK(answer.count("Content-Type") == 1);
  CHECK(answer.field("Content-Type") == "text/own");
  CHECK(answer.count("Date") == 1);
  t.client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(t.client.read_answer(true).field("Content-Length") == "2");
  t.client.send(get());
  CHECK(t.client.read_answer().body == "{}");
}

TEST_CASE("a fixed answer to a request with a body does not take the body for a request") {
  Named t("  - { respond: { body: here } }\n");
  t.client.send(post(get("/smuggled")));
  CHECK(t.client.read_answer().field("Connection") == "close");
  t.client.half_close();
  CHECK(t.client.read_to_end().empty());
}

TEST_CASE("routes belong to their listeners") {
  GatewayFixture gateway(
      "listeners: [127.0.0.1:0, 127.0.0.2:0]\n"
      "routes:\n"
      "  - { listeners: [127.0.0.2:0], path: /, respond: { body: second } }\n"
      "  - { listeners: [127.0.0.1:0], path: /, respond: { body: first } }\n");
  RawClient first(gateway.port(0));
  CHECK(first.get().body == "first");
  RawClient second(gateway.port(1), "127.0.0.2");
  CHECK(second.get().body == "second");
}
