#include "wire/http/head.hpp"

#include <cstring>

#include "wire/http/characters.hpp"

namespace tidegate::http {

namespace {

constexpr std::uint64_t ones = 0x0101010101010101U;
constexpr std::uint64_t high_bits = 0x8080808080808080U;

// True if one of the eight bytes is below 0x20 or is DEL. HTAB counts too, though it is allowed: the caller
// looks closer. Bytes from 0x80 on never count.
bool may_hold_control(std::uint64_t word) {
  const std::uint64_t below_space = (word - ones * 0x20) & ~word & high_bits;
  const std::uint64_t del = word ^ (ones * 0x7f);
  return (below_space | ((del - ones) & ~del & high_bits)) != 0;
}

}  // namespace

std::optional<std::string_view> Fields::find(std::string_view name) const {
  for (const auto& field : fields_) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t Fields::count(std::string_view name) const {
  std::size_t found = 0;
  for (const auto& field : fields_) found += equals_ignoring_case(field.name, name) ? 1U : 0U;
  return found;
}

bool Fields::has_token(std::string_view name, std::string_view token) const {
  bool found = false;
  for (const auto& field : fields_) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for_each_member(field.value, [&](std::string_view member) {
      found = equals_ignoring_case(member, token);
      return !found;
    });
    if (found) return true;
  }
  return false;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

bool equals_as_variable(std::string_view a, std::string_view b) {
  const auto is_mark = [](char c) {
    return !is_a(c, character::digit) && (to_lower(c) < 'a' || to_lower(c) > 'z');
  };
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i]) && !(is_mark(a[i]) && is_mark(b[i]))) return false;
  }
  return true;
}

bool is_token(std::string_view text) {
  return !text.empty() && all_are(text, character::token);
}

bool is_field_value(std::string_view text) {
  // Eight bytes at a time: cookies and keys are long and nearly always clean.
  while (text.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    if (may_hold_control(word) && !all_are(text.substr(0, sizeof word), character::field_value)) return false;
    text.remove_prefix(sizeof word);
  }
  return all_are(text, character::field_value);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace tidegate::http
