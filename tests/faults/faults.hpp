// Faults of system calls, made between the program and the kernel (faults.cpp, by the linker's --wrap and,
// for what OpenSSL calls, by symbols of the program that come before libc's). Only threads that ask for it
// suffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tidegate::test {

// `read` and `write` are those of OpenSSL on sockets.
enum class Call : std::uint8_t { recv, send, sendmsg, accept, connect, socket, epoll_wait, read, write };
inline constexpr std::size_t kCalls = 9;
[[nodiscard]] std::string_view name_of(Call call);

struct FaultPlan {
  // Of the calls that move bytes one in so many is cut short, interrupted or told to wait; 0: none. Whoever
  // is lied to has his descriptor armed again, since an edge that the kernel has told is not told twice.
  unsigned storm_one_in = 0;
  // The `nth` call of this kind, from 1 on, fails with this error; 0: none.
  Call call = Call::recv;
  int nth = 0;
  int error = 0;
};

// The calling thread suffers from now on.
void suffer_faults();
// Faults happen while this object lives; one at a time.
class Faults {
 public:
  explicit Faults(const FaultPlan& plan);
  ~Faults();
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;
  // How many have happened.
  [[nodiscard]] static int count();
};

// Open descriptors of the process.
[[nodiscard]] std::size_t descriptors();

}  // namespace tidegate::test
