#include "wire/http/hop_by_hop.hpp"

#include <initializer_list>
#include <string>

#include "tests/support/catch.hpp"

using namespace tidegate::http;

namespace {

Fields fields_of(std::initializer_list<Field> list) {
  Fields fields;
  for (const auto& field : list) fields.push_back(field);
  return fields;
}

}  // namespace

TEST_CASE("RFC 9110 7.6.1: fields of one hop end here") {
  const Fields none;
  const HopByHop hop(none);
  for (const auto name :
       {"Connection", "keep-alive", "Proxy-Connection", "PROXY-AUTHENTICATE", "Proxy-Authorization", "TE",
        "te", "Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings"}) {
    CAPTURE(name);
    CHECK(hop.ends_here(name));
  }
  for (const auto name : {"Host", "Content-Length", "X-Te", "Tea", "Cookie", "Upgrade-Insecure-Requests",
                          "Date", "Via", "Sec-WebSocket-Key", "Trailers", "Keep-Alive2"}) {
    CAPTURE(name);
    CHECK_FALSE(hop.ends_here(name));
  }
}

TEST_CASE("RFC 9110 7.6.1: fields that Connection nominates end here, over all its fields") {
  const auto fields =
      fields_of({{"Connection", "keep-alive, X-One , close"}, {"connection", "upgrade,x-two"}});
  const HopByHop hop(fields);
  CHECK(hop.ends_here("x-one"));
  CHECK(hop.ends_here("X-Two"));
  CHECK_FALSE(hop.ends_here("X-Three"));
  CHECK_FALSE(hop.ends_here("X"));
}

TEST_CASE("RFC 9110 7.6.1: a nomination found only in a later Connection field counts") {
  const auto fields = fields_of({{"Connection", "keep-alive"}, {"A", "b"}, {"Connection", "X-One"}});
  CHECK(HopByHop(fields).ends_here("X-One"));
}

TEST_CASE("RFC 9110 7.6.1: every nomination that the parser lets through counts") {
  std::string list;
  for (std::size_t i = 0; i < most_connection_options; ++i) list += "x-" + std::to_string(i) + ",";
  const auto fields = fields_of({{"Connection", list}});
  const HopByHop hop(fields);
  CHECK(hop.ends_here("X-0"));
  CHECK(hop.ends_here("X-63"));
  CHECK_FALSE(hop.ends_here("X-64"));
}

TEST_CASE("nominating what identifies, frames or routes a request takes nothing away") {
  const auto fields = fields_of({{"Connection",
                                  "Host, Content-Length, X-Forwarded-For, X-Forwarded-Proto, X-Real-IP, "
                                  "Forwarded, Via, Cookie, Set-Cookie, "
                                  "Authorization, Sec-WebSocket-Key, Sec-WebSocket-Accept, Origin, "
                                  "Content-Type, Content-Encoding, Expect"}});
  const HopByHop hop(fields);
  for (const auto name : {"Host", "Content-Length", "x-forwarded-for", "X-Forwarded-Proto", "X-Real-IP",
                          "Forwarded", "Via", "Cookie", "Set-Cookie", "Authorization", "Sec-WebSocket-Key",
                          "sec-websocket-accept", "Origin", "Content-Type", "Content-Encoding", "Expect"}) {
    CAPTURE(name);
    CHECK_FALSE(hop.ends_here(name));
  }
}

TEST_CASE("RFC 9110 10.1.4: of TE only trailers may go on") {
  CHECK(accepts_trailers(fields_of({{"TE", "trailers"}})));
  CHECK(accepts_trailers(fields_of({{"te", "gzip, Trailers"}})));
  CHECK(accepts_trailers(fields_of({{"TE", "gzip"}, {"TE", "trailers"}})));
  CHECK_FALSE(accepts_trailers(fields_of({{"TE", "gzip"}})));
  CHECK_FALSE(accepts_trailers(fields_of({{"Trailer", "trailers"}})));
  CHECK_FALSE(accepts_trailers(fields_of({})));
}
