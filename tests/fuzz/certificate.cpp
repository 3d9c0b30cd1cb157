// Certificate and key files. The input is one file that is given for both: it is loaded or refused with a
// reason that names it.
#include <cstdio>
#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/target.hpp"
#include "wire/net/tls_certificate.hpp"
#include "wire/net/tls_error.hpp"
#include "wire/net/unique_fd.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const net::UniqueFd memory(::memfd_create("pem", MFD_CLOEXEC));
  require(memory && ::write(memory.get(), data, size) == static_cast<ssize_t>(size), "a file in memory");
  const auto file = "/proc/self/fd/" + std::to_string(memory.get());
  const auto now = net::WallTime(std::chrono::seconds(1'790'000'000));
  try {
    const auto certificate = net::load_certificate({file, file, {}}, now);
    (void)certificate.names();
    (void)certificate.key_type();
    require(certificate.expires() > now, "an expired certificate is refused");
    (void)net::warnings_of(certificate, now, std::chrono::hours(24));
  } catch (const net::TlsFault& fault) {
    require(fault.file() == file, "a refusal names the file");
  }
  return 0;
}
