// Header fields on their way through: what ends at each hop, who the client is, and the rules of a route.
#include "tests/gateway/exchange/setup.hpp"

using namespace tidegate;
using namespace tidegate::test;

namespace {

// The request that the endpoint gets for one with these fields.
Request forwarded(const std::string& fields, const Setup& setup = {}) {
  OnePod t(setup);
  t.client.send(get("/p?q=1", fields));
  auto pod = t.backend.accept();
  auto request = pod.read_request();
  pod.send(ok("x"));
  CHECK(t.client.read_answer().status == 200);
  return request;
}

// The answer that the client gets for one with these fields.
Answer relayed(const std::string& fields, const Setup& setup = {}, const std::string& target = "/") {
  OnePod t(setup);
  t.client.send(get(target));
  auto pod = t.backend.answer_one(ok("x", fields));
  return t.client.read_answer();
}

}  // namespace

TEST_CASE("RFC 9110 7.6.1: fields of one hop and those that Connection nominates end here") {
  const auto request = forwarded(
      "Connection: keep-alive, X-Own\r\nConnection: x-other\r\nKeep-Alive: timeout=5\r\nX-Own: 1\r\n"
      "X-Other: 2\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\nTrailer: X-T\r\nX-Kept: 3\r\n"
      "Proxy-Authorization: Basic secret\r\n");
  for (const std::string name : {"Connection", "Keep-Alive", "X-Own", "X-Other", "Proxy-Connection", "TE",
                                 "Trailer", "Upgrade", "Proxy-Authorization", "Transfer-Encoding"}) {
    CAPTURE(name);
    CHECK_FALSE(request.has(name));
  }
  CHECK(request.field("X-Kept") == "3");
}

TEST_CASE("RFC 9110 7.6.1: a client cannot nominate away what identifies it or frames its message") {
  OnePod t;
  t.client.send(post("hello",
                     "Connection: Host, Content-Length, X-Forwarded-For, X-Real-IP, Cookie, Authorization\r\n"
                     "Cookie: a=b\r\nAuthorization: Bearer c\r\n"));
  auto pod = t.backend.accept();
  const auto request = pod.read_request();
  CHECK(request.field("Host") == "test");
  CHECK(request.body == "hello");
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.field("X-Real-IP") == "127.0.0.1");
  CHECK(request.field("Cookie") == "a=b");
  CHECK(request.field("Authorization") == "Bearer c");
}

TEST_CASE("RFC 9110 7.8: an Upgrade that the route does not name is stripped, h2c among them") {
  const auto request = forwarded(
      "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n");
  CHECK_FALSE(request.has("Upgrade"));
  CHECK_FALSE(request.has("HTTP2-Settings"));
  CHECK_FALSE(request.has("Connection"));
}

TEST_CASE("RFC 9110 7.6.1: fields of one hop end here in answers too") {
  const auto answer = relayed(
      "Connection: X-Own, keep-alive\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n"
      "Upgrade: h2c\r\nX-Kept: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n");
  for (const std::string name : {"Connection", "X-Own", "Keep-Alive", "Proxy-Connection", "Upgrade"}) {
    CAPTURE(name);
    CHECK_FALSE(answer.has(name));
  }
  CHECK(answer.field("X-Kept") == "2");
  CHECK(answer.count("Set-Cookie") == 2);
}

TEST_CASE("RFC 7239 8.1: what a client that is not trusted says of itself is replaced") {
  const auto request = forwarded(
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n");
  CHECK(request.count("X-Forwarded-For") == 1);
  CHECK(request.field("X-Forwarded-For") == "127.0.0.1");
  CHECK(request.field("X-Forwarded-Proto") == (tls_everywhere() ? "https" : "http"));
  CHECK(request.field("X-Forwarded-Host") == "test");
  CHECK_FALSE(request.has("X-Forwarded-Port"));
  CHECK(request.field("X-Real-IP") == "127.0.0.1");
  CHECK_FALSE(request.has("Forwarded"));
}

TEST_CASE("RFC 7239 8.1: what a trusted proxy says is kept and added to") {
  const auto request = forwarded(
      "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\nX-Forwarded-Proto: https\r\n"
      "X-Forwarded-Host: outer\r\n",
      {.rest = "trustedProxies: [127.0.0.0/8]\n"});
  CHECK(request.count("X-Forwarded-For") == 1);
  CHECK(request.field("X-Forwarded-For") == "6.6.6.6, 7.7.7.7, 127.0.0.1");
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK(request.field("X-Forwarded-Host") == "outer");
  CHECK(request.field("X-Real-IP") == "7.7.7.7");
}

TEST_CASE("request rules set, add and remove fields, with variables") {
  const auto request = forwarded("X-Gone: 1\r\nX-Set: theirs\r\nX-Add: theirs\r\nUser-Agent: probe\r\n",
                                 {.route = "    requestHeaders:\n"
                                           "      remove: [X-Gone]\n"
                                           "      set: { X-Set: '$remote_addr $request_method $arg_q',\n"
                                           "             X-Empty: $arg_none, X-Id: $request_id }\n"
                                           "      add: { X-Add: '$uri $http_user_agent' }\n"});
  CHECK_FALSE(request.has("X-Gone"));
  CHECK(request.count("X-Set") == 1);
  CHECK(request.field("X-Set") == "127.0.0.1 GET 1");
  CHECK(request.count("X-Add") == 2);
  CHECK(request.head.find("X-Add: /p probe\r\n") != std::string::npos);
  CHECK_FALSE(request.has("X-Empty"));
  CHECK(request.field("X-Id").size() == 32);
}

TEST_CASE("a request rule may set what the gateway writes itself") {
  const auto request = forwarded("", {.route = "    requestHeaders:\n"
                                               "      set: { X-Forwarded-Proto: https }\n"
                                               "      remove: [X-Real-IP]\n"});
  CHECK(request.count("X-Forwarded-Proto") == 1);
  CHECK(request.field("X-Forwarded-Proto") == "https");
  CHECK_FALSE(request.has("X-Real-IP"));
}

TEST_CASE("response rules set, add and remove fields of answers") {
  const Setup setup{.route =
                        "    responseHeaders:\n"
                        "      remove: [X-Powered-By]\n"
                        "      set: { Server: ours, X-Pod: $upstream_name }\n"
                        "      add: { Vary: Origin }\n"};
  const auto answer = relayed("X-Powered-By: php\r\nServer: theirs\r\nVary: Accept\r\n", setup);
  CHECK_FALSE(answer.has("X-Powered-By"));
  CHECK(answer.count("Server") == 1);
  CHECK(answer.field("Server") == "ours");
  CHECK(answer.count("Vary") == 2);
  CHECK(answer.field("X-Pod") == "pods");
}

TEST_CASE("RFC 9110 5.5: a decoded CRLF in a variable cannot split the answer's head or the request's") {
  const Setup setup{.route =
                        "    responseHeaders: { set: { X-Path: $uri } }\n"
                        "    requestHeaders: { set: { X-Path: $uri } }\n"};
  const auto answer = relayed("", setup, "/a%0d%0aSet-Cookie:%20evil=1%0d%0a%0d%0abody");
  CHECK_FALSE(answer.has("Set-Cookie"));
  CHECK(answer.field("X-Path") == "/aSet-Cookie: evil=1body");
  CHECK(answer.body == "x");
}

TEST_CASE(
    "fields with an underscore are dropped, refused or passed, as the listener says; nginx drops them") {
  const std::string fields = "X_Theirs: 6.6.6.6\r\nX-Own: 1\r\n_: 2\r\n";
  const auto dropped = forwarded(fields);
  CHECK(dropped.head.find('_') == std::string::npos);
  CHECK(dropped.field("X-Own") == "1");
  const auto passed = forwarded(fields, {.listener = "    underscoresInHeaders: pass\n"});
  CHECK(passed.field("X_Theirs") == "6.6.6.6");
  CHECK(passed.field("_") == "2");
  OnePod t({.listener = "    underscoresInHeaders: refuse\n"});
  t.client.send(get("/", fields));
  const auto answer = t.client.read_answer();
  CHECK(answer.status == 400);
  CHECK(answer.body.find("underscore in a field name") != std::string::npos);
  CHECK(t.backend.untouched());
}

// CGI and WSGI read every one of these as the field that the gateway writes, and often the last one wins.
TEST_CASE("what folds to a field of the gateway's own is left out like it, where underscores pass too") {
  std::string fields = "X_Theirs: 1\r\nX_Forwarded_Fo: 2\r\nX_Forwarded-Forr: 3\r\n";
  for (const std::string name :
       {"X_Forwarded_For", "x-forwarded_for", "X_REAL_IP", "X_Forwarded_Proto", "X_Forwarded_Host",
        "X_Forwarded_Port", "Client_Cert", "Client_Cert_Chain", "Content_Length", "Transfer_Encoding",
        "X_User", "X_Gone", "X.Real.IP", "X-Two_Marks"}) {
    fields += name + ": spoofed\r\n";
  }
  const std::string rules = "      remove: [X-Gone]\n      set: { X-User: $remote_user, X_Two_Marks: own }\n";
  const auto request = forwarded(
      fields, {.listener = "    underscoresInHeaders: pass\n", .route = "    requestHeaders:\n" + rules});
  CHECK(request.head.find("spoofed") == std::string::npos);
  CHECK(request.field("X_Theirs") == "1");
  CHECK(request.field("X_Forwarded_Fo") == "2");
  CHECK(request.field("X_Forwarded-Forr") == "3");
  CHECK(request.field("X-Real-IP") == "127.0.0.1");
  CHECK(request.field("X_Two_Marks") == "own");
  // Every other byte that is neither letter nor digit is folded by some too, and no listener drops those.
  CHECK(forwarded("X.Real.IP: 6.6.6.6\r\nX.Own: 1\r\n").head.find("6.6.6.6") == std::string::npos);
}

TEST_CASE("trailers with an underscore go the way of fields") {
  const std::string request =
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
      "X-A: 1\r\nX_Own: 3\r\nX_Real_IP: 6.6.6.6\r\nClient-Cert: :AA==:\r\nX-B: 2\r\n\r\n";
  const auto trailers = [&](const std::string& choice) {
    OnePod t({.listener = "    underscoresInHeaders: " + choice + "\n"});
    t.client.send(request);
    auto pod = t.backend.accept();
    if (choice == "refuse") return t.client.read_answer().status == 400 ? std::string("refused") : "";
    return pod.read_request().trailers;
  };
  CHECK(trailers("drop") == "X-A: 1\r\nX-B: 2\r\n");
  CHECK(trailers("pass") == "X-A: 1\r\nX_Own: 3\r\nX-B: 2\r\n");
  CHECK(trailers("refuse") == "refused");
}

TEST_CASE("an answer's fields with an underscore pass: the pod is trusted to know its own") {
  CHECK(relayed("x_own: 1\r\n").field("x_own") == "1");
}

TEST_CASE("RFC 9112 5: fields pass in their order with all their values") {
  const auto request = forwarded("B: 1\r\nA: 2\r\nB: 3\r\nEmpty:\r\nObs: \xc3\xa9\r\n");
  CHECK(request.head.find("B: 1\r\nA: 2\r\nB: 3\r\n") != std::string::npos);
  CHECK(request.has("Empty"));
  CHECK(request.field("Obs") == "\xc3\xa9");
}
