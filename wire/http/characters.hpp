// Which byte may stand where in HTTP/1 (RFC 9110 5.5, 5.6.2; RFC 3986), as one table of flags: a byte is
// judged by one load and one test.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tidegate::http {

namespace character {
inline constexpr std::uint8_t token = 1;        // tchar
inline constexpr std::uint8_t field_value = 2;  // HTAB, SP, VCHAR, obs-text
inline constexpr std::uint8_t visible = 4;      // VCHAR: what a request target may hold
inline constexpr std::uint8_t hex_digit = 8;
// Unreserved and sub-delims (RFC 3986 3.2.2), without '%', and without ',' and ';': to those who read a list
// of hosts, as X-Forwarded-Host and Forwarded are, they end one host and begin another.
inline constexpr std::uint8_t host = 16;
inline constexpr std::uint8_t digit = 32;

constexpr bool is_one_of(unsigned char c, std::string_view set) {
  return set.find(static_cast<char>(c)) != std::string_view::npos;
}

constexpr std::uint8_t classify(unsigned char c) {
  const bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool decimal = c >= '0' && c <= '9';
  const bool printable = c > 0x20 && c < 0x7f;
  std::uint8_t flags = 0;
  if (alpha || decimal || (printable && is_one_of(c, "!#$%&'*+-.^_`|~"))) flags |= token;
  if (printable || c == ' ' || c == '\t' || c >= 0x80) flags |= field_value;
  if (printable) flags |= visible;
  if (decimal || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) flags |= hex_digit;
  if (alpha || decimal || (printable && is_one_of(c, "-._~!$&'()*+="))) flags |= host;
  if (decimal) flags |= digit;
  return flags;
}

constexpr std::array<std::uint8_t, 256> make_table() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = classify(static_cast<unsigned char>(c));
  return table;
}

inline constexpr std::array<std::uint8_t, 256> table = make_table();
}  // namespace character

// True if `c` has one of the classes in `flags`.
[[nodiscard]] constexpr bool is_a(char c, std::uint8_t flags) {
  return (character::table[static_cast<unsigned char>(c)] & flags) != 0;
}

// True if every byte of `text` has one of the classes in `flags`; true for an empty text.
[[nodiscard]] constexpr bool all_are(std::string_view text, std::uint8_t flags) {
  for (const char c : text) {
    if (!is_a(c, flags)) return false;
  }
  return true;
}

// The value of a hexadecimal digit; the caller has checked that it is one.
[[nodiscard]] constexpr unsigned hex_value(char c) {
  if (c <= '9') return static_cast<unsigned>(c - '0');
  return static_cast<unsigned>((c | 0x20) - 'a') + 10U;
}

// ASCII lower case, whatever the locale.
[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace tidegate::http
