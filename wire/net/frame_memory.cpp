#include "wire/net/frame_memory.hpp"

#include <array>
#include <new>
#include <utility>

namespace tidegate::net {
namespace {

constexpr std::size_t kGranule = 64;
constexpr std::size_t kClasses = 64;        // frames up to 4 KiB are recycled
constexpr std::size_t kKeptPerClass = 256;  // beyond it memory goes back to the heap

struct Free {
  Free* next;
};

// One free list per size class. A thread's lists end with the thread.
class FrameLists {
 public:
  ~FrameLists() {
    for (auto& head : heads_) {
      while (head != nullptr) ::operator delete(std::exchange(head, head->next));
    }
  }

  void* take(std::size_t size_class) {
    auto* frame = heads_[size_class];
    if (frame == nullptr) return ::operator new((size_class + 1) * kGranule);
    heads_[size_class] = frame->next;
    --kept_[size_class];
    return frame;
  }

  void give(void* memory, std::size_t size_class) noexcept {
    if (kept_[size_class] >= kKeptPerClass) return ::operator delete(memory);
    heads_[size_class] = new (memory) Free{heads_[size_class]};
    ++kept_[size_class];
  }

 private:
  std::array<Free*, kClasses> heads_{};
  std::array<std::size_t, kClasses> kept_{};
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kRecycle = false;  // a recycled frame would hide a use after free
#else
constexpr bool kRecycle = true;
#endif

FrameLists& lists() {
  thread_local FrameLists lists;
  return lists;
}

}  // namespace

void* allocate_frame(std::size_t size) {
  const auto size_class = (size - 1) / kGranule;
  if (!kRecycle || size_class >= kClasses) return ::operator new(size);
  return lists().take(size_class);
}

void free_frame(void* frame, std::size_t size) noexcept {
  const auto size_class = (size - 1) / kGranule;
  if (!kRecycle || size_class >= kClasses) return ::operator delete(frame);
  lists().give(frame, size_class);
}

}  // namespace tidegate::net
