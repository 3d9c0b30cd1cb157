#include "wire/net/server_names.hpp"

namespace tidegate::net {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;
constexpr std::uint8_t kHostName = 0;

// Takes a 16-bit length and that many bytes off the front; nothing if there are fewer.
std::optional<std::span<const std::uint8_t>> take_block(std::span<const std::uint8_t>& bytes) {
  if (bytes.size() < 2) return std::nullopt;
  const auto size = static_cast<std::size_t>(bytes[0] << 8 | bytes[1]);
  if (bytes.size() - 2 < size) return std::nullopt;
  const auto block = bytes.subspan(2, size);
  bytes = bytes.subspan(2 + size);
  return block;
}

std::optional<char> name_character(std::uint8_t byte) {
  const char c = static_cast<char>(byte);
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c + ('a' - 'A'));
  if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.') return c;
  return std::nullopt;
}

bool has_good_labels(std::string_view name) {
  std::size_t label = 0;
  for (const char c : name) {
    if (c != '.') {
      if (++label > kLongestLabel) return false;
    } else if (label == 0) {
      return false;
    } else {
      label = 0;
    }
  }
  return label > 0 && name.find_first_not_of("0123456789.") != std::string_view::npos;
}

}  // namespace

std::optional<std::string> parse_server_name(std::span<const std::uint8_t> extension) {
  auto list = take_block(extension);
  if (!list || !extension.empty() || list->empty()) return std::nullopt;
  // One name of one type is all that was ever defined.
  const auto type = list->front();
  auto rest = list->subspan(1);
  const auto bytes = take_block(rest);
  if (!bytes || !rest.empty() || type != kHostName) return std::nullopt;
  auto name_bytes = *bytes;
  if (!name_bytes.empty() && name_bytes.back() == '.') name_bytes = name_bytes.first(name_bytes.size() - 1);
  if (name_bytes.size() > kLongestName) return std::nullopt;
  std::string name;
  name.reserve(name_bytes.size());
  for (const auto byte : name_bytes) {
    const auto c = name_character(byte);
    if (!c) return std::nullopt;
    name.push_back(*c);
  }
  if (!has_good_labels(name)) return std::nullopt;
  return name;
}

bool ServerNames::add(std::string_view name, std::size_t number) {
  if (name.starts_with("*.")) return wildcards_.emplace(name.substr(2), number).second;
  return exact_.emplace(name, number).second;
}

std::optional<std::size_t> ServerNames::find_within(std::string_view name) const {
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  for (auto dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.', dot + 1)) {
    const auto found = wildcards_.find(name.substr(dot + 1));
    if (found != wildcards_.end()) return found->second;
  }
  return std::nullopt;
}

std::optional<std::size_t> ServerNames::find(std::string_view name) const {
  if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return std::nullopt;
  const auto found = wildcards_.find(name.substr(dot + 1));
  if (found == wildcards_.end()) return std::nullopt;
  return found->second;
}

}  // namespace tidegate::net
