#include "wire/net/buffer.hpp"

#include <cstring>
#include <utility>

namespace tidegate::net {

Buffer::Buffer(Buffer&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)),
      begin_(std::exchange(other.begin_, 0)),
      end_(std::exchange(other.end_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    release();
    pool_ = std::exchange(other.pool_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    capacity_ = std::exchange(other.capacity_, 0);
    begin_ = std::exchange(other.begin_, 0);
    end_ = std::exchange(other.end_, 0);
  }
  return *this;
}

void Buffer::compact() {
  if (begin_ == 0) return;
  std::memmove(data_, data_ + begin_, size());
  end_ -= begin_;
  begin_ = 0;
}

void Buffer::grow(std::size_t capacity) {
  if (capacity <= capacity_) return compact();
  char* const block = pool_->take_block(capacity);
  std::memcpy(block, data_ + begin_, size());
  pool_->give_block(data_, capacity_);
  data_ = block;
  capacity_ = capacity;
  end_ -= begin_;
  begin_ = 0;
}

void Buffer::release() {
  if (data_ != nullptr) pool_->give_block(data_, capacity_);
  data_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

BufferPool::~BufferPool() {
  for (auto* block : free_) delete[] block;
}

Buffer BufferPool::take() {
  Buffer buffer;
  buffer.pool_ = this;
  buffer.data_ = take_block(kBlock);
  buffer.capacity_ = kBlock;
  return buffer;
}

char* BufferPool::take_block(std::size_t capacity) {
  in_use_ += capacity;
  if (capacity != kBlock || free_.empty()) return new char[capacity];
  auto* const block = free_.back();
  free_.pop_back();
  return block;
}

void BufferPool::give_block(char* block, std::size_t capacity) {
  in_use_ -= capacity;
  if (capacity != kBlock || free_.size() >= kKept) {
    delete[] block;
    return;
  }
  free_.push_back(block);
}

}  // namespace tidegate::net
