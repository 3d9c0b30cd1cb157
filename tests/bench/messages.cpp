#include <memory>

#include "tests/bench/benches.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/work.hpp"

namespace tidegate::bench {

void measure_messages(const Options& options) {
  static constexpr std::size_t message_size = 64;
  Work work;
  work.title = std::to_string(options.messages) + " WebSocket messages of 64 bytes there and back over " +
               std::to_string(options.message_sockets) + " sockets";
  work.unit = "100,000 messages";
  work.count = static_cast<std::uint64_t>(options.messages);
  work.per = 100'000;
  work.prepare = [&](std::uint16_t port) {
    auto crowd = std::make_shared<Crowd>(port, options.tls);
    crowd->open(static_cast<std::size_t>(options.message_sockets));
    return [crowd, count = work.count] { crowd->exchange(count, message_size); };
  };
  compare(options, work);
}

}  // namespace tidegate::bench
