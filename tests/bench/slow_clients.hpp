// Clients that are slow by intent, as in the attacks named slowloris, R-U-Dead-Yet and slow read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tidegate::bench {

class Channel;

// `count` of them, a third of each kind: one gives a byte of its request's head every tenth of a second, one
// a byte of a long body, one takes a few bytes of a large answer. Who is seen through comes again. Says
// `slow` once all are at it, and goes on until the process is ended.
[[noreturn]] void be_slow(Channel& channel, std::uint16_t port, std::size_t count);

}  // namespace tidegate::bench
