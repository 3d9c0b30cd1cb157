#include "tests/bench/benches.hpp"
#include "tests/bench/requests.hpp"
#include "tests/bench/work.hpp"

namespace tidegate::bench {

void measure_http(const Options& options) {
  Work work;
  work.title = std::to_string(options.requests) + " small GETs over " + std::to_string(options.connections) +
               " keep-alive connections";
  work.unit = "1,000 requests";
  work.count = static_cast<std::uint64_t>(options.requests);
  work.per = 1'000;
  work.prepare = [&](std::uint16_t port) {
    const bool tls = options.tls;
    const auto connections = static_cast<std::size_t>(options.connections);
    send_requests(port, connections, connections * 10,
                  tls);  // so that the hop has its connections to the server
    return [=, count = work.count] { send_requests(port, connections, count, tls); };
  };
  compare(options, work);
}

}  // namespace tidegate::bench
