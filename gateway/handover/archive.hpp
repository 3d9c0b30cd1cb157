// Values as bytes and back, by one list of members for both ways: `archive(a, b, c)` writes them with a
// `Packer` and reads them with an `Unpacker`. For two processes on one machine, of which both agree on
// `handover_format`: numbers have the machine's byte order and size.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tidegate::gateway {

// What two gateways must have in common for one to take over from the other. To be raised with every change
// of what is handed over, or of its order.
inline constexpr std::uint32_t handover_format = 3;

class Packer {
 public:
  static constexpr bool reads = false;

  template <class... Values>
  void operator()(const Values&... values) {
    (put(values), ...);
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  template <class Value>
  void put(const Value& value) {
    if constexpr (std::is_arithmetic_v<Value> || std::is_enum_v<Value>) {
      const auto at = bytes_.size();
      bytes_.resize(at + sizeof value);
      std::memcpy(bytes_.data() + at, &value, sizeof value);
    } else if constexpr (requires { value.time_since_epoch(); }) {
      put(value.time_since_epoch().count());
    } else if constexpr (requires { value.count(); }) {
      put(value.count());
    } else if constexpr (std::is_convertible_v<const Value&, std::string_view>) {
      const std::string_view text = value;
      put(static_cast<std::uint64_t>(text.size()));
      bytes_.append(text);
    } else {
      put_each(value);
    }
  }
  template <class Item, std::size_t size>
  void put_each(const std::array<Item, size>& items) {
    for (const auto& item : items) put(item);
  }
  template <class Item>
  void put_each(const std::vector<Item>& items) {
    put(static_cast<std::uint64_t>(items.size()));
    for (const auto& item : items) put(item);
  }
  // What lists its own members.
  template <class Value>
  void put_each(const Value& value) {
    const_cast<Value&>(value).carry(*this);  // `carry` only reads with a Packer
  }

  std::string bytes_;
};

template <class Value>
[[nodiscard]] std::string packed(const Value& value) {
  Packer packer;
  packer(value);
  return packer.take();
}

// Reads what a `Packer` has written. Bytes that are missing make it fail: from then on values are zero and
// empty. Views (std::string_view) point into the bytes it was made of.
class Unpacker {
 public:
  static constexpr bool reads = true;

  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  template <class... Values>
  void operator()(Values&... values) {
    (get(values), ...);
  }
  [[nodiscard]] bool failed() const { return failed_; }
  // All was read, and nothing was missing.
  [[nodiscard]] bool is_done() const { return !failed_ && rest_.empty(); }

 private:
  [[nodiscard]] std::string_view take(std::size_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const auto taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  template <class Value>
  void get(Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      const auto taken = take(1);
      value = !taken.empty() && taken.front() != 0;  // no other byte is a bool
    } else if constexpr (std::is_arithmetic_v<Value> || std::is_enum_v<Value>) {
      const auto taken = take(sizeof value);
      value = Value{};
      if (taken.size() == sizeof value) std::memcpy(&value, taken.data(), sizeof value);
    } else if constexpr (requires { value.time_since_epoch(); }) {
      typename Value::rep count{};
      get(count);
      value = Value(typename Value::duration(count));
    } else if constexpr (requires { typename Value::period; }) {
      typename Value::rep count{};
      get(count);
      value = Value(count);
    } else if constexpr (std::is_assignable_v<Value&, std::string_view>) {
      std::uint64_t size = 0;
      get(size);
      value = take(static_cast<std::size_t>(size));
    } else {
      get_each(value);
    }
  }
  template <class Item, std::size_t size>
  void get_each(std::array<Item, size>& items) {
    for (auto& item : items) get(item);
  }
  template <class Item>
  void get_each(std::vector<Item>& items) {
    std::uint64_t size = 0;
    get(size);
    items.clear();
    for (std::uint64_t i = 0; i < size && !failed_; ++i) get(items.emplace_back());
    if (failed_) items.clear();
  }
  template <class Value>
  void get_each(Value& value) {
    value.carry(*this);
  }

  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace tidegate::gateway
