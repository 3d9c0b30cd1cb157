// Descriptors kept aside for when the process has no more.
#pragma once

#include <cstddef>
#include <vector>

#include "wire/net/unique_fd.hpp"

namespace tidegate::gateway {

// Used by one thread. What it gives up any thread may take: a caller uses it at once and can fail all the
// same.
class DescriptorReserve {
 public:
  // Takes `size` of them, or as many as there are.
  explicit DescriptorReserve(std::size_t size);

  // Gives one up, so that the next call that needs a descriptor finds one. False if there is none left.
  [[nodiscard]] bool give_up_one();
  // Closes what is behind `used` and keeps the descriptor: nobody can take it in between.
  void take_back(net::UniqueFd used);
  // Takes what is missing, as far as there are descriptors.
  void refill();

 private:
  const std::size_t size_;
  net::UniqueFd nothing_;  // /dev/null; the others are copies
  std::vector<net::UniqueFd> spare_;
};

}  // namespace tidegate::gateway
