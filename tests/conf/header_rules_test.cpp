#include "conf/checks.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::conf;

namespace {

std::string faults_of(const HeaderRule& rule, HeaderSide side) {
  ConfigErrors errors;
  check_header_rules({rule}, side, Findings(errors, {}, "h"));
  std::string out;
  for (const auto& error : errors) out += error.text() + "\n";
  return out;
}

}  // namespace

TEST_CASE("header rules may not touch what frames a message or belongs to one hop") {
  // RFC 9110 7.6.1: a rule that sets or removes these could desynchronise two connections.
  for (const std::string name : {"Connection", "content-length", "Transfer-Encoding", "Upgrade", "Keep-Alive",
                                 "TE", "Trailer", "Proxy-Connection", "Sec-WebSocket-Accept"}) {
    CAPTURE(name);
    for (const auto operation : {HeaderOperation::set, HeaderOperation::add, HeaderOperation::remove}) {
      CHECK(!faults_of({operation, name, ""}, HeaderSide::request).empty());
      CHECK(!faults_of({operation, name, ""}, HeaderSide::response).empty());
    }
  }
  CHECK(!faults_of({HeaderOperation::set, "Host", "x"}, HeaderSide::request).empty());
}

TEST_CASE("ordinary header rules are taken") {
  for (const std::string name : {"X-Real-IP", "Server", "Sec-WebSocket-Protocol", "x!#$%&'*+-.^_`|~9"}) {
    CAPTURE(name);
    CHECK(faults_of({HeaderOperation::set, name, "a\tb $remote_addr \xc3\xa9"}, HeaderSide::request).empty());
  }
}

TEST_CASE("names and values cannot break out of a header field") {
  for (const std::string name : {"", "a b", "a:", "a\r", "a\nb", "(a)", "\xc3\xa9"}) {
    CAPTURE(name);
    CHECK(!faults_of({HeaderOperation::set, name, "x"}, HeaderSide::request).empty());
  }
  for (const auto& value :
       {std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3), std::string("\x7f")}) {
    CHECK(!faults_of({HeaderOperation::set, "X", value}, HeaderSide::request).empty());
  }
}
