#include <thread>
#include <vector>

#include "gateway/observe/metrics_text.hpp"
#include "tests/support/catch.hpp"
#include "upstream/registry.hpp"

using namespace tidegate::gateway;

TEST_CASE("control reads while workers count") {
  constexpr std::size_t workers = 2;
  constexpr int rounds = 20'000;
  Metrics metrics(workers);
  auto& series = metrics.upstream("a");
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < rounds; ++n) {
        series.worker(i).retries.add();
        series.worker(i).request_latency.observe(std::chrono::milliseconds(n % 100));
        metrics.worker(i).connections_idle.add(n % 2 == 0 ? 1 : -1);
      }
    });
  }
  for (int i = 0; i < 20; ++i) CHECK_FALSE(metrics_text({metrics, {}, {}, 0, 0, true, "1"}).empty());
  for (auto& thread : threads) thread.join();

  const auto text = metrics_text({metrics, {}, {}, 0, 0, true, "1"});
  CHECK(text.find("tidegate_retries_total{upstream=\"a\"} 40000\n") != std::string::npos);
  CHECK(text.find("tidegate_connections{state=\"idle\"} 0\n") != std::string::npos);
  CHECK(text.find("tidegate_request_duration_seconds_count{upstream=\"a\"} 40000\n") != std::string::npos);
}
