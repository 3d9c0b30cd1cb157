// Walks over the bytes of a DNS message (RFC 1035 4.1). Every read stays inside of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace tidegate::upstream::dns {

struct Header {
  bool response = false;
  unsigned code = 0;  // the four bits of the header; EDNS knows no further ones that matter here
  unsigned questions = 0;
  unsigned answers = 0;
  unsigned authorities = 0;
};

struct Record {
  std::string owner;  // as `read_name` gives it
  std::uint16_t type = 0;
  std::uint16_t record_class = 0;
  std::chrono::seconds ttl{0};
  std::size_t offset = 0;  // of its data in the message
  std::size_t size = 0;
};

// A TTL whose highest bit is set is taken for 0 (RFC 2181 8).
[[nodiscard]] std::chrono::seconds ttl_of(std::uint32_t number);

// A place in a message. Each read moves on behind what it read; nothing where the message ends before that.
class MessageReader {
 public:
  explicit MessageReader(std::span<const std::uint8_t> message) : message_(message) {}

  [[nodiscard]] std::optional<Header> read_header();
  // In lower case, without final dot; the root is "". Compression is followed (by c-ares, which knows loops);
  // unusual bytes are escaped as in zone files. Nothing, too, where it is longer than a name can be.
  [[nodiscard]] std::optional<std::string> read_name();
  [[nodiscard]] std::optional<std::uint16_t> read_16();
  [[nodiscard]] std::optional<std::uint32_t> read_32();
  // A record up to the end of its data, which is inside of the message.
  [[nodiscard]] std::optional<Record> read_record();
  [[nodiscard]] bool skip(std::size_t count);

  [[nodiscard]] std::size_t offset() const { return offset_; }
  // Another place in the same message.
  [[nodiscard]] MessageReader at(std::size_t offset) const;
  [[nodiscard]] std::span<const std::uint8_t> bytes(const Record& record) const {
    return message_.subspan(record.offset, record.size);
  }

 private:
  [[nodiscard]] bool has_bounded_name() const;

  std::span<const std::uint8_t> message_;
  std::size_t offset_ = 0;
};

}  // namespace tidegate::upstream::dns
