// Byte buffers from a per-thread pool. An idle connection owns none.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace tidegate::net {

class BufferPool;

// A contiguous queue of bytes: written at the end, read at the front. Larger blocks than the pool's come from
// the heap and go back to it. Movable; an empty Buffer owns nothing.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { release(); }

  [[nodiscard]] bool has_block() const { return data_ != nullptr; }
  [[nodiscard]] std::string_view text() const { return {data_ + begin_, end_ - begin_}; }
  // The first byte, for what rewrites the bytes in place.
  [[nodiscard]] char* bytes() const { return data_ + begin_; }
  [[nodiscard]] std::size_t size() const { return end_ - begin_; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }

  // Room behind the bytes; `commit` says how much of it was filled.
  [[nodiscard]] std::span<char> room() const { return {data_ + end_, capacity_ - end_}; }
  void commit(std::size_t count) { end_ += count; }
  void consume(std::size_t count) { begin_ += count; }
  void clear() { begin_ = end_ = 0; }
  // Moves the bytes to the front of the block: views into the buffer are invalid afterwards.
  void compact();
  // Moves the bytes to a block of at least `capacity`; views into the buffer are invalid afterwards.
  void grow(std::size_t capacity);
  void release();

 private:
  friend class BufferPool;
  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Blocks of one size, kept for reuse up to a bound. Belongs to one thread and outlives its buffers.
class BufferPool {
 public:
  static constexpr std::size_t kBlock = 16 * 1024;

  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  [[nodiscard]] Buffer take();
  // Bytes handed out now.
  [[nodiscard]] std::size_t in_use() const { return in_use_; }

 private:
  friend class Buffer;
  static constexpr std::size_t kKept = 128;

  char* take_block(std::size_t capacity);
  void give_block(char* block, std::size_t capacity);

  std::vector<char*> free_;
  std::size_t in_use_ = 0;
};

}  // namespace tidegate::net
