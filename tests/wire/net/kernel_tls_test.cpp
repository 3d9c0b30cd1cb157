#include "wire/net/kernel_tls.hpp"

#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/catch.hpp"

using namespace tidegate;

TEST_CASE("kernel TLS: a fault is named exactly where the kernel does not list it") {
  const auto fault = net::kernel_tls_fault();  // first: asking may load the module
  std::ifstream file("/proc/sys/net/ipv4/tcp_available_ulp");
  if (!file) return;  // such a kernel does not say what it has
  const std::string listed{std::istreambuf_iterator<char>(file), {}};
  INFO(fault);
#ifdef OPENSSL_NO_KTLS
  CHECK(fault == "OpenSSL is built without it");
#else
  CHECK(fault.empty() == ((" " + listed).find(" tls") != std::string::npos));
#endif
}
