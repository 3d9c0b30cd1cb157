// What a request says of who sends it: X-Forwarded-For, Forwarded, Authorization and Origin. The input is the
// fields. Nobody can be made to be somebody else by what he wrote before the nearest proxy wrote its own.
#include <algorithm>

#include "gateway/exchange/basic_credentials.hpp"
#include "gateway/exchange/client_identity.hpp"
#include "gateway/exchange/origin_check.hpp"
#include "tests/fuzz/target.hpp"
#include "wire/http/characters.hpp"
#include "wire/http/head_parser.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

namespace {

constexpr std::string_view kProxy = "10.0.0.1";  // trusted
constexpr std::string_view kClient = "192.0.2.7";
constexpr http::HeadLimits kLimits{.head_bytes = 1 << 16, .target_bytes = 100, .fields = 1000};

const gateway::Networks& trusted() {
  static const gateway::Networks made({"10.0.0.0/8", "fd00::/8"});
  return made;
}

// A request with these lines of fields; it owns the text that the head looks into.
struct Request {
  explicit Request(std::string_view lines) : text("GET / HTTP/1.1\r\nHost: a\r\n") {
    text.append(lines).append("\r\n\r\n");
    http::HeadParser parser(kLimits);
    whole = parser.parse_request(text, head) == http::Progress::complete && head.size == text.size();
  }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  std::string text;
  http::RequestHead head;
  bool whole = false;
};

// === proxies ===

bool is_in(std::string_view part, std::string_view whole) {
  return whole.find(part) != std::string_view::npos;
}

void check_walks(const Request& request) {
  const auto& fields = request.head.fields;
  require(gateway::client_address(fields, kClient, trusted()) == kClient, "nobody listens to strangers");
  require(gateway::forwarded_client(fields, kClient, trusted()).address == kClient, "here neither");
  const auto address = gateway::client_address(fields, kProxy, trusted());
  require(gateway::Networks::is_address(address), "a client has an address");
  require(address == kProxy || is_in(address, request.text), "that somebody has written");
  const auto said = gateway::forwarded_client(fields, kProxy, trusted());
  require(gateway::Networks::is_address(said.address), "of Forwarded, too");
  require(said.address == kProxy || is_in(said.address, request.text), "likewise");
  require(is_in(said.proto, request.text) && is_in(said.host, request.text), "nothing is made up");
}

// The proxy puts what it knows behind all that came: in a field of its own, or in the last one of that name.
void check_behind(std::string_view lines) {
  const Request apart(std::string(lines) +
                      "\r\nX-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7;proto=http");
  if (apart.whole) {
    const auto& fields = apart.head.fields;
    require(gateway::client_address(fields, kProxy, trusted()) == kClient,
            "a field of the proxy's own counts");
    const auto said = gateway::forwarded_client(fields, kProxy, trusted());
    require(said.address == kClient && said.proto == "http" && said.host.empty(), "and one of Forwarded");
  }
  // One value, which the proxy appends to.
  const auto value = lines.substr(0, lines.find_first_of("\r\n"));
  const Request listed("X-Forwarded-For: " + std::string(value) + ", 192.0.2.7");
  if (listed.whole)
    require(gateway::client_address(listed.head.fields, kProxy, trusted()) == kClient,
            "what was appended counts");
  const Request element("Forwarded: " + std::string(value) + ", for=\"192.0.2.7:4711\";host=\"a:80\"");
  if (!element.whole) return;
  const auto said = gateway::forwarded_client(element.head.fields, kProxy, trusted());
  require(said.address == kClient && said.host == "a:80" && said.proto.empty(), "whatever came before it");
}

// === passwords ===

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    const auto count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=');
  }
  return out;
}

void check_credentials(const http::Fields& fields) {
  const auto credentials = gateway::read_basic_credentials(fields);
  if (!credentials) return;
  require(fields.count("authorization") == 1, "one field");
  require(!credentials->user.empty() && !is_in(":", credentials->user), "a name");
  const auto text = http::trim(fields.find("authorization")->substr(6));
  require(text == base64(credentials->user + ":" + credentials->password), "one text for each password");
}

// === pages ===

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return out;
}

// The host of an origin, by a reader that is content with less; empty if there is none.
std::string host_of(const std::string& origin) {
  const auto mark = origin.find("://");
  if (mark == std::string::npos || is_in("@", origin) ||
      origin.find_first_of("/\\?# ", mark + 3) != std::string::npos)
    return {};
  const auto rest = origin.substr(mark + 3);
  const auto colon = rest.rfind(':');
  return colon != std::string::npos && !rest.ends_with(']') ? rest.substr(0, colon) : rest;
}

void check_origin(const http::Fields& fields) {
  const auto allows = [&](const std::string& origin, std::string_view authority) {
    return gateway::allows_origin({{origin}, true}, fields, authority);
  };
  const bool exact = allows("https://app.example", "a");
  const bool below = allows("*.app.example", "a");
  const bool own = allows("self", "app.example:8080");
  if (!exact && !below && !own) return;
  require(fields.count("origin") == 1, "one page");
  const auto origin = lower(*fields.find("origin"));
  const auto host = host_of(origin);
  require(!exact || (host == "app.example" && origin.starts_with("https://")), "the page that was named");
  require(!below || (host.size() > 12 && host.ends_with(".app.example")), "a page below the name");
  require(!own || (host == "app.example" && is_in("8080", origin)), "a page of the host that was asked");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto lines = text_of(data, size);
  check_behind(lines);
  const Request request(lines);
  if (!request.whole) return 0;
  check_walks(request);
  check_credentials(request.head.fields);
  check_origin(request.head.fields);
  return 0;
}
