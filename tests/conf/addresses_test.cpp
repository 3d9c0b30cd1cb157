#include "conf/addresses.hpp"

#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::conf;

namespace {

std::string listen_text(std::string_view text) {
  const auto parsed = parse_listen_address(text);
  if (!parsed) return "error: " + parsed.error().why;
  std::string out;
  for (const auto& address : *parsed) out += (out.empty() ? "" : " ") + address.text();
  return out;
}

std::string endpoint_text(std::string_view text) {
  const auto parsed = parse_endpoint_address(text);
  return parsed ? parsed->text() : "error: " + parsed.error().why;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("listen addresses") {
  CHECK(listen_text("0.0.0.0:80") == "0.0.0.0:80");
  CHECK(listen_text("[::]:443") == "[::]:443");
  CHECK(listen_text("[0:0::0:1]:443") == "[::1]:443");
  CHECK(listen_text("127.0.0.1:0") == "127.0.0.1:0");
  CHECK(listen_text(":80") == "0.0.0.0:80 [::]:80");
  CHECK(listen_text("unix:/run/a.sock") == "unix:/run/a.sock");
  CHECK(listen_text("unix:@tidegate") == "unix:@tidegate");
}

TEST_CASE("listen addresses that are refused say what to write") {
  struct Row {
    std::string_view text;
    std::string_view why;
  };
  const std::vector<Row> rows{
      {"80", "write `:80`"},
      {"localhost:80", "an IP address, not a name"},
      {"*:80", "write `:80`"},
      {"0.0.0.0", "needs a port"},
      {"::1:80", "in brackets"},
      {"[::1]", "needs a port"},
      {"[::1", "needs a port"},
      {"[127.0.0.1]:80", "an IP address"},
      {"0.0.0.0:65536", "from 1 to 65535"},
      {"0.0.0.0:http", "from 1 to 65535"},
      {"0.0.0.0:", "from 1 to 65535"},
      {"http://0.0.0.0:80", "without `http://`"},
      {"/tmp/x.sock", "a Unix socket is written `unix:/tmp/x.sock`"},
      {"unix:", "unix:/absolute/path"},
      {"unix:relative.sock", "unix:/absolute/path"},
      {"", "needs a port"},
      {"256.0.0.1:80", "an IP address"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const std::string text = listen_text(row.text);
    INFO(text);
    CHECK(text.starts_with("error: "));
    CHECK(contains(text, row.why));
  }
  CHECK(contains(listen_text("unix:/" + std::string(107, 'x')), "at most 107 bytes, this one has 108"));
  CHECK(listen_text("unix:/" + std::string(106, 'x')).starts_with("unix:/x"));
}

TEST_CASE("endpoint addresses may be names") {
  CHECK(endpoint_text("10.0.0.1:6001") == "10.0.0.1:6001");
  CHECK(endpoint_text("[fd00::0001]:6001") == "[fd00::1]:6001");
  CHECK(endpoint_text("Soketi-WS.hex.svc:6001") == "soketi-ws.hex.svc:6001");
  CHECK(endpoint_text("soketi.:6001") == "soketi:6001");
  CHECK(endpoint_text("_ws._tcp.example.com:1") == "_ws._tcp.example.com:1");
  CHECK(endpoint_text("unix:/run/app.sock") == "unix:/run/app.sock");
  CHECK(contains(endpoint_text("10.0.0.1:0"), "from 1 to 65535"));
  CHECK(contains(endpoint_text("10.0.0.1"), "needs a port"));
  CHECK(contains(endpoint_text("http://pod:6001"), "write the address alone, `pod:6001`"));
  CHECK(contains(endpoint_text("10.0.0.256:80"), "neither an IP address nor a host name"));
  CHECK(contains(endpoint_text("a b:80"), "neither an IP address nor a host name"));
  CHECK(contains(endpoint_text(":80"), "neither an IP address nor a host name"));
  CHECK(contains(endpoint_text("-a:80"), "neither an IP address nor a host name"));
  CHECK(contains(endpoint_text("a..b:80"), "neither an IP address nor a host name"));
  CHECK(contains(endpoint_text("[name]:80"), "neither an IP address nor a host name"));
}

TEST_CASE("networks of trusted proxies") {
  CHECK(*parse_network("10.0.0.0/8") == "10.0.0.0/8");
  CHECK(*parse_network("10.1.2.3") == "10.1.2.3/32");
  CHECK(*parse_network("fd00:0::/8") == "fd00::/8");
  CHECK(*parse_network("::1") == "::1/128");
  CHECK(*parse_network("0.0.0.0/0") == "0.0.0.0/0");
  CHECK(
      contains(parse_network("10.0.0.1/8").error().why, "write `10.0.0.0/8` for the network or `10.0.0.1`"));
  CHECK(contains(parse_network("10.0.0.0/33").error().why, "from 0 to 32"));
  CHECK(contains(parse_network("fd00::/129").error().why, "from 0 to 128"));
  CHECK(contains(parse_network("10.0.0.0/x").error().why, "from 0 to 32"));
  CHECK(contains(parse_network("example.com").error().why, "expected a network"));
  CHECK(contains(parse_network("").error().why, "expected a network"));
}

TEST_CASE("hosts of routes") {
  CHECK(*parse_route_host("Socket.Example.COM") == "socket.example.com");
  CHECK(*parse_route_host("example.com.") == "example.com");
  CHECK(*parse_route_host("*.Example.com") == "*.example.com");
  CHECK(*parse_route_host("10.0.0.1") == "10.0.0.1");
  CHECK(*parse_route_host("[0::1]") == "[::1]");
  CHECK(*parse_route_host("::1") == "[::1]");
  CHECK(contains(parse_route_host("*").error().why, "leave `hosts` out"));
  CHECK(contains(parse_route_host(".example.com").error().why, "write `*.example.com`"));
  CHECK(contains(parse_route_host("example.com:80").error().why, "without a port"));
  CHECK(contains(parse_route_host("https://example.com").error().why, "without a port or scheme"));
  CHECK(contains(parse_route_host("a*.example.com").error().why, "expected a host"));
  CHECK(contains(parse_route_host("").error().why, "expected a host"));
}
