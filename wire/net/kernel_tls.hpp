// Kernel TLS (Documentation/networking/tls.rst): after OpenSSL's handshake the kernel encrypts and decrypts.
#pragma once

#include <string>

namespace tidegate::net {

// Why it cannot be had here, as the end of a sentence; empty if it can. Asks the kernel, which may load a
// module for it: for start-up.
[[nodiscard]] std::string kernel_tls_fault();

}  // namespace tidegate::net
