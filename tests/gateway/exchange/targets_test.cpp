// Request targets and the Host field on their way through.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

TEST_CASE("RFC 9112 3.2.2: the authority of an absolute-form target wins over Host and is sent on as Host") {
  OnePod t;
  t.client.send("GET http://real.example:8080/a?b HTTP/1.1\r\nHost: fake.example\r\n\r\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.target == "/a?b");
  CHECK(request.field("Host") == "real.example:8080");
  CHECK(request.count("Host") == 1);
  CHECK(request.field("X-Forwarded-Host") == "real.example:8080");
}

TEST_CASE("RFC 9112 3.2.2: an absolute-form target without a path asks for /") {
  OnePod t;
  t.client.send("GET http://real.example?b HTTP/1.1\r\nHost: real.example\r\n\r\n");
  auto pod = t.backend.accept();
  CHECK(pod.read_request().target == "/?b");
}

TEST_CASE("RFC 9112 3.2.4: OPTIONS * reaches the endpoint as it is") {
  OnePod t;
  t.client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.method == "OPTIONS");
  CHECK(request.target == "*");
}

TEST_CASE("RFC 9112 2.2: one empty line before the request is skipped") {
  OnePod t;
  t.client.send("\r\n" + get("/x"));
  auto pod = t.backend.accept();
  CHECK(pod.read_request().target == "/x");
}

TEST_CASE("the target is sent on as it was written: encoded bytes, dots within and the query untouched") {
  OnePod t;
  t.client.send(get("/a%20b/./c/../d%2Fe?q=%zz&r=../.."));
  auto pod = t.backend.accept();
  CHECK(pod.read_request().target == "/a%20b/./c/../d%2Fe?q=%zz&r=../..");
}

TEST_CASE("RFC 9112 3.2: an HTTP/1.0 request without Host is served") {
  OnePod t;
  t.client.send("GET /old HTTP/1.0\r\n\r\n");
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.target == "/old");
  CHECK(request.count("Host") == 1);
  CHECK(request.field("Host") == t.backend.address());  // an empty one would be refused by most
  CHECK(request.count("X-Forwarded-Host") == 0);
  CHECK(request.head.find("HTTP/1.1\r\n") != std::string::npos);
}

TEST_CASE("RFC 9112 6: a request with a body stays framed whatever its method is") {
  for (const std::string method : {"GET", "HEAD", "DELETE", "OPTIONS", "BREW"}) {
    CAPTURE(method);
    OnePod t;
    t.client.send(method + " /m HTTP/1.1\r\nHost: a\r\nContent-Length: 25\r\n\r\n" +
                  "GET /x HTTP/1.1\r\nA: b\r\n\r\n");
    auto pod = t.backend.accept();
    const auto request = pod.read_request();
    CHECK(request.method == method);
    CHECK(request.field("Content-Length") == "25");
    CHECK(request.body == "GET /x HTTP/1.1\r\nA: b\r\n\r\n");
    CHECK_FALSE(pod.has_input());
  }
}

TEST_CASE("the Host field is kept, replaced by the endpoint's address, or by a text") {
  const auto host_at_pod = [](const std::string& line) {
    OnePod t({.route = line});
    t.client.send(get());
    auto pod = t.backend.accept();
    auto host = pod.read_request().field("Host");
    return host == t.backend.address() ? "endpoint" : host;
  };
  CHECK(host_at_pod("") == "test");
  CHECK(host_at_pod("    host: preserve\n") == "test");
  CHECK(host_at_pod("    host: upstream\n") == "endpoint");
  CHECK(host_at_pod("    host: inner.example\n") == "inner.example");
  CHECK(host_at_pod("    host: $host.inner\n") == "test.inner");
}
