#include "wire/http/upgrade.hpp"

#include <string>

#include <openssl/evp.h>

#include "wire/http/characters.hpp"

namespace tidegate::http {

namespace {

constexpr std::string_view websocket_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::size_t sha1_size = 20;
// Each extension of a 101 is looked for in the whole offer: lists of ten thousand on both sides would cost
// seconds. Browsers offer one or two.
constexpr std::size_t most_accepted_extensions = 16;
constexpr std::size_t most_offered_extensions = 64;

// The value of a field that must stand there exactly once; empty otherwise.
std::string_view find_single(const Fields& fields, std::string_view name) {
  if (fields.count(name) != 1) return {};
  return *fields.find(name);
}

// Base64 of 16 bytes: 22 digits and "==".
bool is_valid_key(std::string_view key) {
  constexpr std::size_t key_size = 24;
  if (key.size() != key_size || !key.ends_with("==")) return false;
  for (const char c : key.substr(0, key_size - 2)) {
    const bool letter = to_lower(c) >= 'a' && to_lower(c) <= 'z';
    if (!letter && !is_a(c, character::digit) && c != '+' && c != '/') return false;
  }
  return true;
}

// The name of an extension without its parameters (RFC 6455 9.1).
std::string_view extension_name(std::string_view member) {
  return trim(member.substr(0, member.find(';')));
}

// Calls `visit` for each extension that a head names until it returns false.
template <class Visitor>
void for_each_extension(const Fields& fields, Visitor&& visit) {
  bool more = true;
  for (const auto& field : fields) {
    if (!more) return;
    if (!equals_ignoring_case(field.name, "sec-websocket-extensions")) continue;
    for_each_member(field.value, [&](std::string_view member) {
      more = visit(extension_name(member));
      return more;
    });
  }
}

// What stands behind the first 64 of an offer is taken for not offered.
bool offers_extension(const Fields& request, std::string_view name) {
  bool offered = false;
  std::size_t seen = 0;
  for_each_extension(request, [&](std::string_view other) {
    offered = equals_ignoring_case(other, name);
    return !offered && ++seen < most_offered_extensions;
  });
  return offered;
}

bool extensions_were_offered(const Fields& request, const Fields& response) {
  bool all = true;
  std::size_t accepted = 0;
  for_each_extension(response, [&](std::string_view name) {
    all = ++accepted <= most_accepted_extensions && offers_extension(request, name);
    return all;
  });
  return all;
}

// At most one subprotocol, which the client offered in these very letters (RFC 6455 4.1: case-sensitive).
bool protocol_was_offered(const Fields& request, const Fields& response) {
  const auto chosen_count = response.count("sec-websocket-protocol");
  if (chosen_count == 0) return true;
  if (chosen_count > 1) return false;
  const auto chosen = *response.find("sec-websocket-protocol");
  bool offered = false;
  for (const auto& field : request) {
    if (!equals_ignoring_case(field.name, "sec-websocket-protocol")) continue;
    for_each_member(field.value, [&](std::string_view member) {
      offered = offered || member == chosen;
      return !offered;
    });
  }
  return offered;
}

}  // namespace

UpgradeAsk upgrade_asked(const RequestHead& head, const Framing& framing) {
  // RFC 9110 7.8: Upgrade in an HTTP/1.0 request is ignored.
  if (head.version != Version::http_1_1) return UpgradeAsk::none;
  if (head.fields.count("upgrade") == 0) return UpgradeAsk::none;
  if (!head.fields.has_token("connection", "upgrade")) return UpgradeAsk::none;
  if (!head.fields.has_token("upgrade", "websocket")) return UpgradeAsk::other;
  if (!handshake_fault(head, framing).empty()) return UpgradeAsk::bad_websocket;
  const bool known = find_single(head.fields, "sec-websocket-version") == "13";
  return known ? UpgradeAsk::websocket : UpgradeAsk::bad_version;
}

std::string_view handshake_fault(const RequestHead& head, const Framing& framing) {
  if (head.method != "GET") return "a WebSocket handshake must be a GET";
  // A body would be read as frames by one side and as a request by the other.
  const bool has_body = framing.kind == BodyKind::chunked || framing.length > 0;
  if (has_body) return "a WebSocket handshake must not have a body";
  const auto versions = head.fields.count("sec-websocket-version");
  if (versions == 0) return "Sec-WebSocket-Version is missing";
  if (versions > 1) return "Sec-WebSocket-Version is repeated";
  const auto keys = head.fields.count("sec-websocket-key");
  if (keys == 0) return "Sec-WebSocket-Key is missing";
  if (keys > 1) return "Sec-WebSocket-Key is repeated";
  if (!is_valid_key(*head.fields.find("sec-websocket-key")))
    return "Sec-WebSocket-Key is not 16 bytes in base64";
  return {};
}

std::array<char, 28> accept_of(std::string_view key) {
  std::string text;
  text.reserve(key.size() + websocket_guid.size());
  text.append(key).append(websocket_guid);
  std::array<unsigned char, sha1_size> digest{};
  unsigned size = 0;
  // Cannot fail short of a broken libcrypto; then the digest stays zero and no handshake matches it.
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 29> encoded{};  // EVP_EncodeBlock ends it with a NUL
  EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest.size()));
  std::array<char, 28> accept{};
  for (std::size_t i = 0; i < accept.size(); ++i) accept[i] = static_cast<char>(encoded[i]);
  return accept;
}

SwitchFault check_switch(const RequestHead& request, const ResponseHead& response) {
  const auto& fields = response.fields;
  if (!equals_ignoring_case(find_single(fields, "upgrade"), "websocket")) return SwitchFault::bad_upgrade;
  if (!fields.has_token("connection", "upgrade")) return SwitchFault::bad_connection;
  const auto expected = accept_of(find_single(request.fields, "sec-websocket-key"));
  const std::string_view accept{expected.data(), expected.size()};
  if (find_single(fields, "sec-websocket-accept") != accept) return SwitchFault::bad_accept;
  if (!protocol_was_offered(request.fields, fields)) return SwitchFault::bad_protocol;
  if (!extensions_were_offered(request.fields, fields)) return SwitchFault::bad_extension;
  const bool states_body = fields.count("content-length") != 0 || fields.count("transfer-encoding") != 0;
  return states_body ? SwitchFault::has_body : SwitchFault::none;
}

std::string_view describe(SwitchFault fault) {
  switch (fault) {
    case SwitchFault::none: return "no fault";
    case SwitchFault::bad_upgrade: return "Upgrade of the 101 is not `websocket`";
    case SwitchFault::bad_connection: return "Connection of the 101 lacks `upgrade`";
    case SwitchFault::bad_accept: return "Sec-WebSocket-Accept is missing or wrong";
    case SwitchFault::bad_protocol: return "the subprotocol was not offered";
    case SwitchFault::bad_extension: return "an extension was not offered, or there are too many";
    case SwitchFault::has_body: return "the 101 states a body";
  }
  return "unknown fault";
}

}  // namespace tidegate::http
