#include "conf/template.hpp"

#include <map>
#include <vector>

#include "tests/support/catch.hpp"

using namespace tidegate::conf;

namespace {

// Shows which variable was asked for, with its argument.
class Named final : public VariableSource {
 public:
  [[nodiscard]] std::string_view variable(Variable which, std::string_view argument) const override {
    static const std::map<Variable, std::string_view> plain{{Variable::remote_addr, "10.1.2.3"},
                                                            {Variable::host, "example.com"},
                                                            {Variable::http_host, "Example.com:80"},
                                                            {Variable::request_uri, "/a?b=c"},
                                                            {Variable::scheme, "https"},
                                                            {Variable::uri, "/a"}};
    if (which == Variable::http || which == Variable::cookie || which == Variable::arg) return argument;
    const auto found = plain.find(which);
    return found == plain.end() ? "?" : found->second;
  }
};

std::string expand(std::string_view text) {
  const auto compiled = Template::compile(text);
  if (!compiled) return "error: " + compiled.error();
  std::string out = ">";
  compiled->append_to(out, Named{});
  return out.substr(1);
}

}  // namespace

TEST_CASE("templates are expanded") {
  struct Row {
    std::string_view text;
    std::string_view expected;
  };
  const std::vector<Row> rows{
      {"", ""},
      {"plain", "plain"},
      {"$host", "example.com"},
      {"https://$host$request_uri", "https://example.com/a?b=c"},
      {"${host}name", "example.comname"},
      {"$scheme://${http_host}/", "https://Example.com:80/"},
      {"$http_x_real_ip", "x-real-ip"},
      {"$cookie_Session", "Session"},
      {"$arg_page", "page"},
      {"10$$", "10$"},
      {"$$host", "$host"},
      {"$uri.html", "/a.html"},
      {"$remote_addr, $remote_addr", "10.1.2.3, 10.1.2.3"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    CHECK(expand(row.text) == row.expected);
  }
}

TEST_CASE("every variable's name compiles to itself") {
  const std::vector<std::string_view> names{"remote_addr",   "remote_port",
                                            "host",          "http_host",
                                            "scheme",        "request_method",
                                            "request_uri",   "uri",
                                            "args",          "server_addr",
                                            "server_port",   "server_protocol",
                                            "request_id",    "proxy_add_x_forwarded_for",
                                            "upstream_addr", "upstream_name",
                                            "route"};
  for (const auto name : names) {
    CAPTURE(name);
    const auto compiled = Template::compile("$" + std::string(name));
    REQUIRE(compiled.has_value());
    CHECK(!compiled->is_literal());
  }
}

TEST_CASE("faults of templates are sentences") {
  CHECK(expand("$remote_adr").find("unknown variable `$remote_adr`; did you mean `$remote_addr`?") !=
        std::string::npos);
  CHECK(expand("$zzzzzz").find("known are $remote_addr") != std::string::npos);
  CHECK(expand("$http_").find("unknown variable") != std::string::npos);
  CHECK(expand("a$").find("write `$$`") != std::string::npos);
  CHECK(expand("a$ b").find("write `$$`") != std::string::npos);
  CHECK(expand("${host").find("without its `}`") != std::string::npos);
  CHECK(expand("${}").find("write `$$`") != std::string::npos);
}

TEST_CASE("literals are known as such") {
  CHECK(Template::compile("a$$b")->is_literal());
  CHECK(Template::compile("")->is_literal());
  CHECK(Template::compile("")->empty());
  CHECK(!Template::compile("$host")->is_literal());
  CHECK(Template().empty());
}
