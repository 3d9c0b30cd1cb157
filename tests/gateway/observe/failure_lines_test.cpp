#include "gateway/observe/failure_log.hpp"
#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"
#include "upstream/registry.hpp"

using namespace tidegate;
using namespace tidegate::gateway;

namespace {

std::string line(const AccessRecord& record) {
  std::string out;
  append_failure_line(out, record);
  return out;
}

}  // namespace

TEST_CASE("a failure is told in one line with every attempt") {
  CHECK(line(refused_record()) ==
        "502 connection_refused (The endpoint refused the connection) \"GET /index.html?a=1\" "
        "host=socket.example.com client=192.0.2.7:50000 id=r-1 route=socket upstream=soketi "
        "attempts=[10.0.0.1:6001 refused after 0.001, 10.0.0.2:6001 connect_timeout after 5.000] hold=0.250 "
        "time=0.012");
}

TEST_CASE("what is not known is left out") {
  AccessRecord record;
  record.status = 408;
  record.failure = FailureReason::request_timeout;
  CHECK(line(record) == "408 request_timeout (The request did not arrive in time) \"-\" time=0.000");
}

TEST_CASE("control characters from a client cannot forge a line") {
  auto record = refused_record();
  record.target = "/\r\n2024-01-01 [error] forged\x1b[2J";
  record.host = "a\nb";
  record.client_address = "2001:db8::1";
  record.failure_details = "bad\nthing";
  const auto text = line(record);
  for (const char c : text) {
    CHECK(c >= 0x20);
    CHECK(c < 0x7f);
  }
  CHECK(text.find("client=[2001:db8::1]:50000") != std::string::npos);
  CHECK(text.find("refused the connection: bad\\x0Athing)") != std::string::npos);
}

TEST_CASE("omitted attempts are counted, reused connections and statuses named") {
  auto record = refused_record();
  for (int i = 0; i < 10; ++i) record.attempts.push_back({"e", AttemptOutcome::answered, true, 503});
  const auto text = line(record);
  CHECK(text.find(", 4 more, e answered 503 reused after 0.000") != std::string::npos);
}

TEST_CASE("whether an endpoint takes new sockets is told with the cause") {
  upstream::Endpoint endpoint(1, "pod-0", {"10.0.0.1", 6001, {}}, 0);
  CHECK(sockets_line(endpoint, "soketi", "newSocketProbe: HTTP 200") ==
        "endpoint soketi/pod-0 10.0.0.1:6001: takes new sockets (newSocketProbe: HTTP 200)");
  endpoint.set_takes_new_sockets(false);
  CHECK(sockets_line(endpoint, "soketi", "webSocketProbe: a\nb") ==
        "endpoint soketi/pod-0 10.0.0.1:6001: takes no new sockets (webSocketProbe: a\\x0Ab)");
}

TEST_CASE("an address that several pods share is told with what to write") {
  const upstream::Endpoint endpoint(1, "10.96.0.7:6001", {"10.96.0.7", 6001, {}}, 0);
  CHECK(
      shared_address_line(endpoint, "soketi", "ws-1 and\nws-2") ==
      "endpoint soketi/10.96.0.7:6001: answers probes as several pods (ws-1 and\\x0Aws-2): which of them are "
      "ready or leaving cannot be seen behind it. Write `kubernetes: { service: ... }`, or the name of a "
      "headless Service (clusterIP: None), to see single pods, or `virtual: true` if it is to stay so");
}

TEST_CASE("a change of state is told with cause and time") {
  const upstream::Endpoint named(1, "pod-0", {"10.0.0.1", 6001, {}}, 0);
  const upstream::Transition transition{
      upstream::EndpointState::ready, upstream::EndpointState::unready, "refused", {}, sample_time()};
  CHECK(state_line(named, "soketi", transition) ==
        "endpoint soketi/pod-0 10.0.0.1:6001: ready -> unready (refused) at 2024-05-01T08:00:00.123Z");
  const upstream::Endpoint unnamed(1, "10.0.0.1:6001", {"10.0.0.1", 6001, {}}, 0);
  CHECK(state_line(unnamed, "soketi", transition) ==
        "endpoint soketi/10.0.0.1:6001: ready -> unready (refused) at 2024-05-01T08:00:00.123Z");
}
