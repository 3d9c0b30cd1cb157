// The bytes that a full socket left over. Owns memory only while there are such bytes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace tidegate::gateway {

class Unsent {
 public:
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::string_view text() const { return {bytes_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  void append(std::string_view bytes) {
    const std::size_t waiting = end_ - begin_;
    if (capacity_ - end_ < bytes.size()) {
      const auto capacity = waiting + bytes.size();
      auto block = std::make_unique<char[]>(capacity);
      std::copy_n(bytes_.get() + begin_, waiting, block.get());
      bytes_ = std::move(block);
      capacity_ = static_cast<std::uint32_t>(capacity);
      begin_ = 0;
      end_ = static_cast<std::uint32_t>(waiting);
    }
    std::copy(bytes.begin(), bytes.end(), bytes_.get() + end_);
    end_ += static_cast<std::uint32_t>(bytes.size());
  }

  void consume(std::size_t count) {
    begin_ += static_cast<std::uint32_t>(count);
    if (begin_ == end_) clear();
  }

  void clear() {
    bytes_.reset();
    begin_ = end_ = capacity_ = 0;
  }

 private:
  std::unique_ptr<char[]> bytes_;
  std::uint32_t begin_ = 0;
  std::uint32_t end_ = 0;
  std::uint32_t capacity_ = 0;
};

}  // namespace tidegate::gateway
