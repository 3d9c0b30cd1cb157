#include "upstream/discovery/kubernetes/back_off.hpp"

#include <algorithm>

namespace tidegate::upstream {

using namespace std::chrono_literals;

std::chrono::milliseconds back_off(int failures, double jitter) {
  constexpr std::chrono::milliseconds longest = 30s;
  std::chrono::milliseconds least = 200ms;
  for (int failure = 1; failure < failures && least < longest; ++failure) least *= 2;
  least = std::min(least, longest / 2);
  return least + std::chrono::milliseconds(static_cast<long>(static_cast<double>(least.count()) * jitter));
}

}  // namespace tidegate::upstream
