// DNS messages as bytes, made by tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidegate::test {

using Bytes = std::vector<std::uint8_t>;

inline void push_16(Bytes& out, unsigned number) {
  out.push_back(static_cast<std::uint8_t>(number >> 8));
  out.push_back(static_cast<std::uint8_t>(number));
}

inline void push_32(Bytes& out, std::uint32_t number) {
  push_16(out, number >> 16);
  push_16(out, number & 0xffffU);
}

// `soketi.test` as labels, without compression.
inline Bytes name_bytes(std::string_view name) {
  Bytes out;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  out.push_back(0);
  return out;
}

inline Bytes service_bytes(unsigned priority, unsigned weight, unsigned port, std::string_view target) {
  Bytes out;
  push_16(out, priority);
  push_16(out, weight);
  push_16(out, port);
  const auto name = name_bytes(target);
  out.insert(out.end(), name.begin(), name.end());
  return out;
}

// An answer in the making.
class MessageBytes {
 public:
  explicit MessageBytes(std::string_view name, unsigned type, unsigned code = 0)
      : bytes_{0x12, 0x34, 0x81, static_cast<std::uint8_t>(0x80U | code), 0, 1, 0, 0, 0, 0, 0, 0} {
    append(name_bytes(name));
    push_16(bytes_, type);
    push_16(bytes_, 1);
  }

  MessageBytes& answer(std::string_view owner, unsigned type, std::uint32_t ttl, const Bytes& data) {
    bytes_[7] = static_cast<std::uint8_t>(bytes_[7] + 1);
    if (bytes_[7] == 0) ++bytes_[6];
    return record(owner, type, ttl, data);
  }
  MessageBytes& alias(std::string_view owner, std::uint32_t ttl, std::string_view target) {
    return answer(owner, 5, ttl, name_bytes(target));
  }
  MessageBytes& soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
    auto data = name_bytes("ns");
    const auto mailbox = name_bytes("root");
    data.insert(data.end(), mailbox.begin(), mailbox.end());
    for (const std::uint32_t number : {1U, 3600U, 600U, 86400U, minimum}) push_32(data, number);
    ++bytes_[9];
    return record(zone, 6, ttl, data);
  }
  [[nodiscard]] const Bytes& bytes() const { return bytes_; }

 private:
  void append(const Bytes& more) { bytes_.insert(bytes_.end(), more.begin(), more.end()); }
  MessageBytes& record(std::string_view owner, unsigned type, std::uint32_t ttl, const Bytes& data) {
    append(name_bytes(owner));
    push_16(bytes_, type);
    push_16(bytes_, 1);
    push_32(bytes_, ttl);
    push_16(bytes_, static_cast<unsigned>(data.size()));
    append(data);
    return *this;
  }

  Bytes bytes_;
};

}  // namespace tidegate::test
