#include "wire/net/buffer.hpp"

#include <cstring>
#include <string>

#include "tests/support/catch.hpp"

using tidegate::net::Buffer;
using tidegate::net::BufferPool;

namespace {

void fill(Buffer& buffer, std::string_view text) {
  REQUIRE(buffer.room().size() >= text.size());
  std::memcpy(buffer.room().data(), text.data(), text.size());
  buffer.commit(text.size());
}

}  // namespace

TEST_CASE("an empty buffer owns nothing") {
  BufferPool pool;
  Buffer buffer;
  CHECK_FALSE(buffer.has_block());
  CHECK(buffer.empty());
  CHECK(buffer.text().empty());
  CHECK(buffer.room().empty());
  buffer = pool.take();
  CHECK(pool.in_use() == BufferPool::kBlock);
  buffer.release();
  CHECK(pool.in_use() == 0);
  CHECK_FALSE(buffer.has_block());
}

TEST_CASE("a buffer is written at the end and read at the front") {
  BufferPool pool;
  auto buffer = pool.take();
  fill(buffer, "hello ");
  fill(buffer, "world");
  CHECK(buffer.text() == "hello world");
  buffer.consume(6);
  CHECK(buffer.text() == "world");
  CHECK(buffer.room().size() == BufferPool::kBlock - 11);
  buffer.compact();
  CHECK(buffer.text() == "world");
  CHECK(buffer.room().size() == BufferPool::kBlock - 5);
  buffer.clear();
  CHECK(buffer.empty());
  CHECK(buffer.room().size() == BufferPool::kBlock);
}

TEST_CASE("growing keeps the bytes and counts the larger block") {
  BufferPool pool;
  auto buffer = pool.take();
  fill(buffer, "xxkept");
  buffer.consume(2);
  buffer.grow(100'000);
  CHECK(buffer.text() == "kept");
  CHECK(buffer.capacity() == 100'000);
  CHECK(buffer.room().size() == 100'000 - 4);
  CHECK(pool.in_use() == 100'000);
  SECTION("asking for less only makes room") {
    buffer.consume(1);
    buffer.grow(50);
    CHECK(buffer.text() == "ept");
    CHECK(buffer.capacity() == 100'000);
    CHECK(buffer.room().size() == 100'000 - 3);
  }
  buffer.release();
  CHECK(pool.in_use() == 0);
}

TEST_CASE("moving a buffer hands its block over once") {
  BufferPool pool;
  auto first = pool.take();
  fill(first, "text");
  Buffer second(std::move(first));
  CHECK(second.text() == "text");
  CHECK(pool.in_use() == BufferPool::kBlock);
  auto third = pool.take();
  third = std::move(second);
  CHECK(third.text() == "text");
  CHECK(pool.in_use() == BufferPool::kBlock);
  auto& self = third;
  third = std::move(self);
  CHECK(third.text() == "text");
}

TEST_CASE("a pool hands a returned block out again") {
  BufferPool pool;
  auto buffer = pool.take();
  const auto* const block = buffer.bytes();
  buffer.release();
  const auto again = pool.take();
  CHECK(again.bytes() == block);
  CHECK(again.empty());
}

TEST_CASE("a pool keeps a bounded number of blocks") {
  BufferPool pool;
  std::vector<Buffer> many(300);
  for (auto& buffer : many) buffer = pool.take();
  CHECK(pool.in_use() == 300 * BufferPool::kBlock);
  many.clear();  // what is not kept is freed here, the rest with the pool: a leak would fail under asan
  CHECK(pool.in_use() == 0);
}
