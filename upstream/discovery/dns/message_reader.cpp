// Newer versions of c-ares have a parser of whole messages beside this function; Debian 12's has not.
#define CARES_NO_DEPRECATED
#include "upstream/discovery/dns/message_reader.hpp"

#include <algorithm>

#include <ares.h>

namespace tidegate::upstream::dns {
namespace {

// Of a message over TCP, which says its length in 16 bits.
constexpr std::size_t largest_message = 65'535;
constexpr std::size_t longest_name = 255;  // octets (RFC 1035 3.1)
constexpr std::size_t most_jumps = 128;    // more labels than these do not fit into a name

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace

std::chrono::seconds ttl_of(std::uint32_t number) {
  return std::chrono::seconds(number > 0x7fffffffU ? 0U : number);
}

MessageReader MessageReader::at(std::size_t offset) const {
  auto other = *this;
  other.offset_ = std::min(offset, message_.size());
  return other;
}

bool MessageReader::skip(std::size_t count) {
  if (message_.size() - offset_ < count) return false;
  offset_ += count;
  return true;
}

std::optional<std::uint16_t> MessageReader::read_16() {
  const auto start = offset_;
  if (!skip(2)) return std::nullopt;
  return static_cast<std::uint16_t>(message_[start] << 8 | message_[start + 1]);
}

std::optional<std::uint32_t> MessageReader::read_32() {
  const auto high = read_16();
  const auto low = read_16();
  if (!high || !low) return std::nullopt;
  return static_cast<std::uint32_t>(*high) << 16 | *low;
}

// The octets of the name here, pointers followed; c-ares makes a text of any length of them.
bool MessageReader::has_bounded_name() const {
  std::size_t octets = 1;  // the root
  std::size_t jumps = 0;
  for (auto at = offset_; at < message_.size();) {
    const unsigned length = message_[at];
    if (length == 0) return true;
    if ((length & 0xc0U) == 0xc0U) {
      if (at + 1 >= message_.size() || ++jumps > most_jumps) return false;
      at = (length & 0x3fU) << 8 | message_[at + 1];
      continue;
    }
    octets += length + 1;
    if (octets > longest_name) return false;
    at += length + 1;
  }
  return false;
}

std::optional<std::string> MessageReader::read_name() {
  if (offset_ >= message_.size() || message_.size() > largest_message) return std::nullopt;
  if (!has_bounded_name()) return std::nullopt;
  char* text = nullptr;
  long size = 0;
  const auto length = static_cast<int>(message_.size());
  if (ares_expand_name(message_.data() + offset_, message_.data(), length, &text, &size) != ARES_SUCCESS) {
    return std::nullopt;
  }
  std::string name(text);
  ares_free_string(text);
  if (size <= 0 || !skip(static_cast<std::size_t>(size))) return std::nullopt;
  std::ranges::transform(name, name.begin(), lower);
  if (name == ".") name.clear();
  return name;
}

std::optional<Header> MessageReader::read_header() {
  if (!skip(2)) return std::nullopt;  // the id, which c-ares has compared
  const auto flags = read_16();
  const auto questions = read_16();
  const auto answers = read_16();
  const auto authorities = read_16();
  if (!flags || !questions || !answers || !authorities || !skip(2)) return std::nullopt;
  return Header{(*flags & 0x8000U) != 0, *flags & 0xfU, *questions, *answers, *authorities};
}

std::optional<Record> MessageReader::read_record() {
  auto owner = read_name();
  if (!owner) return std::nullopt;
  const auto type = read_16();
  const auto record_class = read_16();
  const auto ttl = read_32();
  const auto size = read_16();
  const auto start = offset_;
  if (!type || !record_class || !ttl || !size || !skip(*size)) return std::nullopt;
  return Record{std::move(*owner), *type, *record_class, ttl_of(*ttl), start, *size};
}

}  // namespace tidegate::upstream::dns
