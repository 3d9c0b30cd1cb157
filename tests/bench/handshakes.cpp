#include <memory>

#include "tests/bench/benches.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/work.hpp"

namespace tidegate::bench {

void measure_handshakes(const Options& options) {
  static constexpr std::size_t at_once = 64;
  Work work;
  work.title =
      std::to_string(options.handshakes) + " WebSocket handshakes, from connect to the end after Close";
  work.unit = "1,000 handshakes";
  work.count = static_cast<std::uint64_t>(options.handshakes);
  work.per = 1'000;
  work.prepare = [&](std::uint16_t port) {
    auto crowd = std::make_shared<Crowd>(port, options.tls);
    crowd->come_and_go(at_once * 2, at_once);
    return [crowd, count = work.count] { crowd->come_and_go(count, at_once); };
  };
  compare(options, work);
}

}  // namespace tidegate::bench
