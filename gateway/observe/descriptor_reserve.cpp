#include "gateway/observe/descriptor_reserve.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace tidegate::gateway {

DescriptorReserve::DescriptorReserve(std::size_t size)
    : size_(size), nothing_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {
  spare_.reserve(size_);
  refill();
}

bool DescriptorReserve::give_up_one() {
  if (spare_.empty()) return false;
  spare_.pop_back();
  return true;
}

void DescriptorReserve::take_back(net::UniqueFd used) {
  if (!used || spare_.size() >= size_) return;
  if (::dup3(nothing_.get(), used.get(), O_CLOEXEC) == used.get()) spare_.push_back(std::move(used));
}

void DescriptorReserve::refill() {
  while (spare_.size() < size_) {
    net::UniqueFd copy(::fcntl(nothing_.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return;
    spare_.push_back(std::move(copy));
  }
}

}  // namespace tidegate::gateway
