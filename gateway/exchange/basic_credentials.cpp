#include "gateway/exchange/basic_credentials.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace tidegate::gateway {
namespace {

constexpr std::size_t kLongest = 1024;  // of the base64 text
constexpr std::string_view kScheme = "Basic ";

// The six bits of a digit; nullopt for what is none.
std::optional<std::uint32_t> value_of(char digit) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = digits.find(digit);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint32_t>(at);
}

std::optional<std::string> decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0 || text.size() > kLongest) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : text) {
    const auto value = value_of(digit);
    if (!value) return std::nullopt;
    bits = (bits << 6 | *value) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xff));
  }
  // Bits that no byte has must be zero (RFC 4648 3.5): one text for each password.
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

}  // namespace

std::optional<BasicCredentials> read_basic_credentials(const http::Fields& fields) {
  if (fields.count("authorization") != 1) return std::nullopt;
  auto value = *fields.find("authorization");
  if (value.size() < kScheme.size() || !http::equals_ignoring_case(value.substr(0, kScheme.size()), kScheme))
    return std::nullopt;
  const auto text = decode(http::trim(value.substr(kScheme.size())));
  if (!text) return std::nullopt;
  const auto colon = text->find(':');
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (colon == std::string::npos || colon == 0 || std::any_of(text->begin(), text->end(), is_control))
    return std::nullopt;
  return BasicCredentials{text->substr(0, colon), text->substr(colon + 1)};
}

std::string basic_challenge(const std::string& realm) {
  std::string out = "Basic realm=\"";
  for (const char c : realm) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out.append("\", charset=\"UTF-8\"");
}

}  // namespace tidegate::gateway
