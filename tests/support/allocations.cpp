#include "tests/support/allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> counting{false};
std::atomic<std::size_t> allocations{0};
std::atomic<std::size_t> failing{0};  // the size; 0: none
thread_local bool counted = false;

bool fails(std::size_t size) {
  return counted && size != 0 && failing.load() == size && failing.exchange(0) == size;
}

}  // namespace

// The one that does not throw too, since a sanitizer brings its own of each kind and minds if they are mixed.
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  if (counted && counting) ++allocations;
  if (fails(size)) return nullptr;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size) {
  if (void* const memory = operator new(size, std::nothrow)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}

namespace tidegate::test {

void count_on_this_thread() {
  counted = true;
}
void start_counting() {
  allocations = 0;
  counting = true;
}
std::size_t stop_counting() {
  counting = false;
  return allocations;
}
void fail_allocation_of(std::size_t size) {
  failing = size;
}
bool allocation_failed() {
  return failing == 0;
}

}  // namespace tidegate::test
