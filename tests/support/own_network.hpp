// A network of one's own, in which packets can be led astray or lost without touching the machine's.
#pragma once

#include <string>

namespace tidegate::test {

// Moves this process, and all it starts from now on, into a network and a mount namespace of its own with the
// loopback up. To be called before any thread is started. Throws Missing when the kernel or the user's rights
// do not allow it.
void enter_own_network();

// Puts a further IPv4 address on the loopback.
void add_address(const char* address);

// Hands a text to `nft -f`. Throws Missing when nft is not installed or refuses.
void set_packet_rules(const std::string& rules);

}  // namespace tidegate::test
