#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "gateway/observe/access_log.hpp"
#include "gateway/observe/timestamp.hpp"
#include "tests/gateway/observe/files.hpp"
#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;
using tidegate::conf::AccessFormat;

namespace {

std::string line(const AccessRecord& record, AccessFormat format) {
  std::string out;
  append_access_line(out, record, format);
  REQUIRE(out.back() == '\n');
  out.pop_back();
  CHECK(out.find('\n') == std::string::npos);
  return out;
}

std::string now_text() {
  std::string out;
  append_time_local(out, sample_time());
  return out;
}

boost::json::value json(const AccessRecord& record) {
  return boost::json::parse(line(record, AccessFormat::json));
}

}  // namespace

TEST_CASE("combined is nginx's") {
  CHECK(line(plain_record(), AccessFormat::combined) ==
        "192.0.2.7 - - [" + now_text() + "] \"GET /index.html?a=1 HTTP/1.1\" 200 612 \"-\" \"curl/8.5\"");

  auto record = plain_record();
  record.remote_user = "anna";
  record.referer = "https://example.com/";
  record.user_agent = "evil\"\n\xff";
  CHECK(line(record, AccessFormat::combined) == "192.0.2.7 - anna [" + now_text() +
                                                    "] \"GET /index.html?a=1 HTTP/1.1\" 200 612 "
                                                    "\"https://example.com/\" \"evil\\x22\\x0A\\xFF\"");
}

TEST_CASE("a request that could not be read is a dash") {
  AccessRecord record;
  record.finished_at = sample_time();
  record.client_address = "unix:";
  record.status = 400;
  CHECK(line(record, AccessFormat::combined) == "unix: - - [" + now_text() + "] \"-\" 400 0 \"-\" \"-\"");
}

TEST_CASE("main is combined and the forwarded addresses, then fields of its own") {
  auto record = plain_record();
  record.x_forwarded_for = "203.0.113.1, 198.51.100.2";
  const auto combined = line(record, AccessFormat::combined);
  const auto main = line(record, AccessFormat::main);
  CHECK(main ==
        combined +
            " \"203.0.113.1, 198.51.100.2\" id=r-1 host=socket.example.com route=socket upstream=soketi "
            "rt=0.012 attempts=10.0.0.1:6001=200/0.011 uht=0.009");
}

TEST_CASE("main tells attempts, hold and failure") {
  const auto main = line(refused_record(), AccessFormat::main);
  CHECK(main.find(
            " attempts=10.0.0.1:6001=refused/0.001,10.0.0.2:6001=connect_timeout/5.000 uht=0.000 hold=0.250 "
            "error=connection_refused") != std::string::npos);
}

TEST_CASE("main quotes a value with blanks and says how many attempts are left out") {
  auto record = plain_record();
  record.route = "a route";
  for (int i = 0; i < 20; ++i) record.attempts.push_back({"e", AttemptOutcome::refused});
  const auto main = line(record, AccessFormat::main);
  CHECK(main.find(" route=\"a route\" ") != std::string::npos);
  CHECK(main.find("e=refused/0.000,+13,e=refused/0.000") != std::string::npos);
}

TEST_CASE("main and combined count the bytes of a tunnel as body, as nginx does") {
  CHECK(line(tunnel_record(), AccessFormat::combined).find("\" 101 2000 \"") != std::string::npos);
  const auto main = line(tunnel_record(), AccessFormat::main);
  CHECK(main.find(
            " ws=\"handshake=0.015 life=61.500 in=1000/10/1001 out=2000/20/1001 first=client end=closed\"") !=
        std::string::npos);

  auto record = tunnel_record();
  record.tunnel->end = TunnelEnd::pod_lost;
  record.tunnel->closed_first = TunnelSide::pod;
  record.tunnel->gateway_close_code = 1012;
  record.tunnel->truncated = true;
  CHECK(line(record, AccessFormat::main).find(" gateway=1012 first=pod end=pod_lost truncated\"") !=
        std::string::npos);
  record.tunnel->from_pod.cut = true;
  CHECK(contains(line(record, AccessFormat::main), " end=pod_lost truncated pod_cut\""));
  CHECK(json(record).at("websocket").at("from_pod").at("cut") == true);
  CHECK(json(record).at("websocket").at("from_client").as_object().if_contains("cut") == nullptr);
}

TEST_CASE("a JSON line holds everything") {
  const auto refused = json(refused_record());
  CHECK(refused.at("time") == "2024-05-01T08:00:00.123Z");
  CHECK(refused.at("client") == "192.0.2.7");
  CHECK(refused.at("client_port") == 50'000);
  CHECK(refused.at("status") == 502);
  CHECK(contains(line(refused_record(), AccessFormat::json), "\"request_time\":0.012,"));
  CHECK(contains(line(refused_record(), AccessFormat::json), "\"hold_time\":0.250,"));
  CHECK(refused.at("failure") == "connection_refused");
  CHECK(refused.at("retries") == 1);
  CHECK(refused.at("attempts_total") == 2);
  CHECK(refused.at("attempts").at(1).at("outcome") == "connect_timeout");
  CHECK(refused.as_object().if_contains("websocket") == nullptr);

  const auto tunnel = json(tunnel_record());
  CHECK(tunnel.at("websocket").at("from_client").at("messages") == 10);
  CHECK(tunnel.at("websocket").at("from_pod").at("close_code") == 1001);
  CHECK(tunnel.at("websocket").at("closed_first") == "client");
  CHECK(tunnel.at("websocket").at("truncated") == false);
  CHECK(tunnel.at("attempts").at(0).at("reused") == true);
  CHECK(tunnel.as_object().if_contains("failure") == nullptr);
}

TEST_CASE("a JSON line is valid whatever the client sent") {
  auto record = plain_record();
  const std::string bytes("\0\x01\"\\\xff\xc3\x28\xed\xa0\x80\n", 12);
  record.user_agent = bytes;
  record.target = bytes;
  record.host = bytes;
  CHECK_NOTHROW(json(record));
}
