#include "wire/http/target.hpp"

#include "tests/support/catch.hpp"

using namespace tidegate::http;
using namespace std::string_view_literals;

namespace {

std::string words_of(std::string_view method, std::string_view text) {
  const auto target = parse_target(method, text);
  if (target.has_error()) return std::string(describe(target.error()));
  std::string words;
  switch (target->form) {
    case TargetForm::origin: words = "origin"; break;
    case TargetForm::absolute: words = "absolute"; break;
    case TargetForm::authority: words = "authority"; break;
    case TargetForm::asterisk: words = "asterisk"; break;
  }
  for (const auto part : {target->scheme, target->authority, target->path}) words.append("|").append(part);
  if (target->has_query) words.append("?").append(target->query);
  return words;
}

std::string normalised(std::string_view path) {
  std::string out = "left over";
  return normalise_path(path, out) ? out : "refused";
}

constexpr auto bad_form = "request target in none of the four forms";
constexpr auto bad_authority = "invalid authority in the request target";
constexpr auto bad_path = "invalid path in the request target";

}  // namespace

TEST_CASE("RFC 9112 3.2.1: origin-form") {
  CHECK(words_of("GET", "/") == "origin|||/");
  CHECK(words_of("GET", "/a/b;c") == "origin|||/a/b;c");
  CHECK(words_of("GET", "/a?b=c&d=%zz") == "origin|||/a?b=c&d=%zz");
  CHECK(words_of("GET", "/a?") == "origin|||/a?");
  CHECK(words_of("GET", "/a?b?c") == "origin|||/a?b?c");
  CHECK(words_of("GET", "//evil/x") == "origin|||//evil/x");
  CHECK(words_of("GET", "/http://b/") == "origin|||/http://b/");
  CHECK(words_of("GET", "/%2e%2E/%41") == "origin|||/%2e%2E/%41");
}

TEST_CASE("RFC 9112 3.2.2: absolute-form, whose authority wins over Host") {
  CHECK(words_of("GET", "http://a/b?c") == "absolute|http|a|/b?c");
  CHECK(words_of("GET", "HTTPS://a:8443/") == "absolute|HTTPS|a:8443|/");
  CHECK(words_of("GET", "ws://[::1]:80/app") == "absolute|ws|[::1]:80|/app");
  CHECK(words_of("GET", "http://a") == "absolute|http|a|/");
  CHECK(words_of("GET", "http://a?b") == "absolute|http|a|/?b");
  CHECK(words_of("GET", "http:///b") == bad_authority);
  CHECK(words_of("GET", "http://u:p@a/") == bad_authority);
  CHECK(words_of("GET", "http://a:x/") == bad_authority);
  CHECK(words_of("GET", "http://a%00/") == bad_authority);
  CHECK(words_of("GET", "ftp://a/") == bad_form);
  CHECK(words_of("GET", "://a/") == bad_form);
}

TEST_CASE("RFC 9112 3.2.3: CONNECT, and with it authority-form, is not offered") {
  CHECK(words_of("CONNECT", "a:443") == "CONNECT is not offered");
  CHECK(words_of("CONNECT", "/") == "CONNECT is not offered");
  CHECK(words_of("GET", "a:443") == bad_form);
  CHECK(status_of(TargetError::connect_refused) == 405);
}

TEST_CASE("RFC 9112 3.2.4: the asterisk belongs to OPTIONS alone") {
  CHECK(words_of("OPTIONS", "*") == "asterisk|||*");
  CHECK(words_of("GET", "*") == "the target `*` belongs to OPTIONS alone");
  CHECK(words_of("options", "*") == "the target `*` belongs to OPTIONS alone");
  CHECK(words_of("OPTIONS", "*/") == bad_form);
  CHECK(status_of(TargetError::asterisk_not_options) == 400);
}

TEST_CASE("RFC 9112 3.2: targets of no form are refused") {
  CHECK(words_of("GET", "") == bad_form);
  CHECK(words_of("GET", "a/b") == bad_form);
  CHECK(words_of("GET", "?a") == bad_form);
  CHECK(words_of("GET", "/a#b") == bad_form);
  CHECK(words_of("GET", "/a?b#c") == bad_form);
}

TEST_CASE("RFC 3986 2.1: paths with a broken encoding, a NUL or control bytes are refused") {
  CHECK(words_of("GET", "/%") == bad_path);
  CHECK(words_of("GET", "/%4") == bad_path);
  CHECK(words_of("GET", "/%4g") == bad_path);
  CHECK(words_of("GET", "/%%41") == bad_path);
  CHECK(words_of("GET", "/a%00b") == bad_path);
  CHECK(words_of("GET", "/a b") == bad_path);
  CHECK(words_of("GET", "/a\tb") == bad_path);
  CHECK(words_of("GET", "/a?b\x01") == bad_path);
  CHECK(words_of("GET", "/\x80") == bad_path);
  CHECK(words_of("GET", "/a\0b"sv) == bad_path);
}

TEST_CASE("RFC 3986 3.2.2: which authorities are valid") {
  for (const std::string_view valid :
       {"a", "A.example.com", "a:80", "a:", "a:0", "a:65535", "127.0.0.1:6001", "[::1]", "[::1]:443",
        "[::ffff:1.2.3.4]", "xn--bcher-kva.example", "a_b", "a.", "1", "a~b", "a!$&'()*+=b"}) {
    CAPTURE(valid);
    CHECK(is_valid_authority(valid));
  }
  for (const std::string_view invalid :
       {""sv,         ":80"sv,  "a:65536"sv, "a:-1"sv,    "a:8o"sv,   "a:80:80"sv,      "::1"sv,
        "[::1"sv,     "[]"sv,   "[::1]x"sv,  "[::1]80"sv, "[g::1]"sv, "[::1%25eth0]"sv, "[v1.a]"sv,
        "a.."sv,      "a..b"sv, ".a"sv,      "."sv,       "u@a"sv,    "a/b"sv,          "a?b"sv,
        "a b"sv,      "a\\b"sv, "%41"sv,     "a%00"sv,    "a%"sv,     "a\0b"sv,         "[::1\0]"sv,
        "\xc3\xa9"sv, "a\""sv,  "<a>"sv,     "a,b"sv,     "a;b"sv,    ",a.b"sv,         "a.b;"sv}) {
    CAPTURE(invalid);
    CHECK_FALSE(is_valid_authority(invalid));
  }
  CHECK(is_valid_authority(std::string(255, 'a')));
  CHECK_FALSE(is_valid_authority(std::string(256, 'a')));
}

TEST_CASE("authorities are split into host and port") {
  struct Row {
    std::string_view authority;
    std::string_view host;
    std::uint16_t port;
  };
  const Row rows[] = {{"a", "a", 0},       {"a:80", "a", 80},         {"a:", "a", 0},
                      {"[::1]", "::1", 0}, {"[::1]:443", "::1", 443}, {"1.2.3.4:5", "1.2.3.4", 5},
                      {"", "", 0}};
  for (const auto& row : rows) {
    CAPTURE(row.authority);
    const auto split = split_authority(row.authority);
    CHECK(split.host == row.host);
    CHECK(split.port == row.port);
  }
}

TEST_CASE("RFC 3986 5.2.4: dot segments are removed, never above the root") {
  CHECK(normalised("/") == "/");
  CHECK(normalised("/a/b") == "/a/b");
  CHECK(normalised("/a/./b") == "/a/b");
  CHECK(normalised("/a/../b") == "/b");
  CHECK(normalised("/a/b/../../c") == "/c");
  CHECK(normalised("/a/.") == "/a/");
  CHECK(normalised("/a/..") == "/");
  CHECK(normalised("/.") == "/");
  CHECK(normalised("/./") == "/");
  CHECK(normalised("/..") == "refused");
  CHECK(normalised("/../a") == "refused");
  CHECK(normalised("/a/../../b") == "refused");
  CHECK(normalised("/a/../..") == "refused");
  CHECK(normalised("/.well-known/x") == "/.well-known/x");
  CHECK(normalised("/..a/...") == "/..a/...");
  CHECK(normalised("*") == "*");
}

TEST_CASE("empty segments are left out") {
  CHECK(normalised("//a//b//") == "/a/b/");
  CHECK(normalised("///") == "/");
  CHECK(normalised("/a//./b") == "/a/b");
  CHECK(normalised("/.//a") == "/a");
  // The empty segment, or the one before it?
  CHECK(normalised("/a//../b") == "refused");
  CHECK(normalised("/a//./../b") == "refused");
  CHECK(normalised("/a//b/../c") == "/a/c");
  CHECK(normalised("//..") == "refused");
}

TEST_CASE("RFC 3986 6.2.2.2: a path is decoded once, and an encoded slash separates like any other") {
  CHECK(normalised("/%41%7e") == "/A~");
  CHECK(normalised("/a%20b") == "/a b");
  CHECK(normalised("/%2e%2E/a") == "refused");
  CHECK(normalised("/a/%2e./b") == "/b");
  CHECK(normalised("/a/%2e/b") == "/a/b");
  CHECK(normalised("/a%2Fb") == "/a/b");
  CHECK(normalised("/%2fa%2f/b") == "/a/b");
  // Whoever does not decode it sees no dot segment.
  CHECK(normalised("/a%2f../b") == "refused");
  CHECK(normalised("/a/..%2fb") == "refused");
  CHECK(normalised("/a/%2f../b") == "refused");
  CHECK(normalised("/a%2f.") == "refused");
  CHECK(normalised("/a%2f...") == "/a/...");
  CHECK(normalised("/%2541") == "/%41");
  CHECK(normalised("/a%00b") == "refused");
  CHECK(normalised("/a%4") == "refused");
}

TEST_CASE("a backslash is a character, but not beside dots") {
  CHECK(normalised("/a\\b") == "/a\\b");
  CHECK(normalised("/a%5Cb") == "/a\\b");
  CHECK(normalised("/a/..\\b") == "refused");
  CHECK(normalised("/a\\..\\b") == "refused");
  CHECK(normalised("/a%5c..") == "refused");
  CHECK(normalised("/a\\..b") == "/a\\..b");
}
