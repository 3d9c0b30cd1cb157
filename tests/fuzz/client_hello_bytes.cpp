#include "tests/fuzz/client_hello_bytes.hpp"

#include <algorithm>
#include <cstdint>

namespace tidegate::fuzz {
namespace {

using namespace std::string_literals;

constexpr char kHandshake = 22;
constexpr char kClientHello = 1;
constexpr char kServerHello = 2;
constexpr std::size_t kLongestRecord = 1 << 14;

// `bytes` behind their size in so many bytes.
std::string sized(std::size_t width, std::string_view bytes) {
  std::string out;
  for (std::size_t i = width; i > 0; --i)
    out.push_back(static_cast<char>(bytes.size() >> (8 * (i - 1)) & 0xff));
  return out.append(bytes);
}

std::string extension(std::uint16_t type, std::string_view body) {
  return std::string{static_cast<char>(type >> 8), static_cast<char>(type & 0xff)} + sized(2, body);
}

const std::string kGroups = extension(10, sized(2, "\x00\x1d\x00\x17"s));
const std::string kSignatures = extension(13, sized(2, "\x04\x03\x08\x04\x04\x01"s));
const std::string kVersions = extension(43, sized(1, "\x03\x04\x03\x03"s));
const std::string kNewestVersion = extension(43, sized(1, "\x03\x04"s));

// A point of X25519; any 32 bytes are one.
std::string key_share() {
  return extension(51, sized(2, "\x00\x1d"s + sized(2, "\x09"s + std::string(31, '\0'))));
}

std::string hello(std::string_view extensions) {
  return framed_hello("\x03\x03"s + std::string(32, 'r') + sized(1, std::string(32, 's')) +
                      sized(2, "\x13\x01\x13\x02\xc0\x2b\xc0\x2f"s) + sized(1, "\0"s) + sized(2, extensions));
}

// === reading ===

// Takes what stands behind a size of so many bytes off the front.
std::optional<std::string_view> take(std::string_view& bytes, std::size_t width) {
  if (bytes.size() < width) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 0; i < width; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  if (bytes.size() - width < size) return std::nullopt;
  const auto block = bytes.substr(width, size);
  bytes.remove_prefix(width + size);
  return block;
}

// The handshake messages of all records, one behind the other.
std::string handshake_bytes(std::string_view bytes) {
  std::string messages;
  while (bytes.size() > 5) {
    const char type = bytes.front();
    bytes.remove_prefix(3);
    const auto payload = take(bytes, 2);
    if (!payload) break;
    if (type == kHandshake) messages.append(*payload);
  }
  return messages;
}

PlainHello read_hello(std::string_view body) {
  PlainHello hello;
  body.remove_prefix(std::min<std::size_t>(body.size(), 34));  // version and random
  if (!take(body, 1) || !take(body, 2) || !take(body, 1)) return hello;
  auto extensions = take(body, 2).value_or("");
  while (extensions.size() >= 4) {
    const bool names = extensions.starts_with("\0\0"s);
    extensions.remove_prefix(2);
    const auto value = take(extensions, 2);
    if (!value) break;
    if (names && !hello.server_name) hello.server_name = *value;
  }
  return hello;
}

}  // namespace

std::string framed_hello(std::string_view body) {
  const auto message = kClientHello + sized(3, body);
  std::string out;
  for (auto rest = std::string_view(message); !rest.empty();) {
    out += "\x16\x03\x01"s + sized(2, rest.substr(0, kLongestRecord));
    rest.remove_prefix(std::min(kLongestRecord, rest.size()));
  }
  return out;
}

std::string good_hello(bool newest, std::string_view extensions) {
  auto all = kGroups + kSignatures;
  if (newest) all += kVersions + key_share();
  return hello(all.append(extensions));
}

std::string hello_without_share(std::string_view name) {
  return hello(kGroups + kSignatures + kNewestVersion + extension(51, sized(2, "")) +
               server_name_extension(name));
}

std::string server_name_extension(std::string_view name) {
  return extension(0, sized(2, "\0"s + sized(2, name)));
}

std::vector<PlainHello> plain_hellos(std::string_view bytes) {
  std::vector<PlainHello> hellos;
  // The form of SSL 2, which OpenSSL still reads; it has no extensions.
  if (bytes.size() > 2 && (bytes[0] & 0x80) != 0 && bytes[2] == kClientHello) {
    const auto size = static_cast<std::size_t>((bytes[0] & 0x7f) << 8 | static_cast<unsigned char>(bytes[1]));
    if (bytes.size() - 2 < size) return hellos;
    hellos.emplace_back();
    bytes.remove_prefix(2 + size);
  }
  const auto messages = handshake_bytes(bytes);
  for (auto rest = std::string_view(messages); rest.starts_with(kClientHello);) {
    rest.remove_prefix(1);
    const auto body = take(rest, 3);
    if (!body) break;
    hellos.push_back(read_hello(*body));
  }
  return hellos;
}

std::size_t plain_server_hellos(std::string_view bytes) {
  const auto messages = handshake_bytes(bytes);
  std::size_t count = 0;
  for (auto rest = std::string_view(messages); !rest.empty();) {
    if (rest.front() == kServerHello) ++count;
    rest.remove_prefix(1);
    if (!take(rest, 3)) break;
  }
  return count;
}

}  // namespace tidegate::fuzz
