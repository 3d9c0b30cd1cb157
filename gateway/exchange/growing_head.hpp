// Heads of a size that is known only once they are written.
#pragma once

#include <cstddef>

#include "gateway/exchange/exchange.hpp"
#include "wire/http/head_writer.hpp"

namespace tidegate::gateway {

// Runs `write(http::HeadWriter&)` into `exchange.out`, which has a block, and again with a larger one as long
// as it does not fit. False above `largest`: `exchange.out` is empty then, and nothing of it may be sent.
template <class Write>
[[nodiscard]] bool write_growing(Exchange& exchange, Write&& write, std::size_t largest = 1024 * 1024) {
  for (;;) {
    exchange.out.clear();
    http::HeadWriter writer(exchange.out.room());
    write(writer);
    if (!writer.overflowed()) {
      exchange.out.commit(writer.text().size());
      return true;
    }
    if (exchange.out.capacity() >= largest) return false;
    exchange.out.grow(exchange.out.capacity() * 4);
  }
}

}  // namespace tidegate::gateway
