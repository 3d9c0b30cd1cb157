#include "gateway/observe/metrics.hpp"

#include "tests/gateway/observe/samples.hpp"
#include "tests/support/catch.hpp"

using namespace tidegate::gateway;

namespace {

template <class Enum>
std::size_t at(Enum value) {
  return static_cast<std::size_t>(value);
}

}  // namespace

TEST_CASE("a worker's counters share no cache line with another's") {
  Metrics metrics(2);
  auto& series = metrics.upstream("a");
  CHECK(reinterpret_cast<std::uintptr_t>(&metrics.worker(1)) % 64 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(&series.worker(0)) % 64 == 0);
  CHECK(sizeof(WorkerCounters) % 64 == 0);
  CHECK(sizeof(UpstreamCounters) % 64 == 0);
}

TEST_CASE("an upstream keeps its series over reloads") {
  Metrics metrics(1);
  auto& first = metrics.upstream("a");
  first.worker(0).retries.add(3);
  for (int i = 0; i < 100; ++i) (void)metrics.upstream("b" + std::to_string(i));
  CHECK(&metrics.upstream("a") == &first);
  CHECK(metrics.upstream("a").worker(0).retries.value() == 3);
  CHECK(metrics.upstreams().size() == 101);
}

TEST_CASE("a histogram counts up to and including its bounds") {
  Histogram histogram(latency_bounds());
  histogram.observe(microseconds(-1));
  histogram.observe(microseconds(1'000));
  histogram.observe(microseconds(1'001));
  histogram.observe(std::chrono::hours(1));
  CHECK(histogram.bucket(0) == 2);
  CHECK(histogram.bucket(1) == 1);
  CHECK(histogram.bucket(latency_bounds().size()) == 1);
  CHECK(histogram.sum_microseconds() == 3'600'002'001);
}

TEST_CASE("statuses fall into classes") {
  const std::pair<int, std::string_view> cases[] = {{101, "1xx"}, {204, "2xx"}, {308, "3xx"}, {404, "4xx"},
                                                    {499, "499"}, {500, "5xx"}, {0, "1xx"},   {599, "5xx"}};
  for (const auto& [status, name] : cases) CHECK(name_of(status_class(status)) == name);
}

TEST_CASE("close codes fall into few classes") {
  const std::pair<int, std::string_view> cases[] = {
      {0, "none"},         {1000, "1000"},      {1001, "1001"},      {1005, "1005"},      {1006, "other"},
      {1012, "1012-1013"}, {1013, "1012-1013"}, {2999, "other"},     {3000, "3000-3999"}, {4000, "4000-4999"},
      {4200, "4200-4299"}, {4299, "4200-4299"}, {4300, "4000-4999"}, {65535, "4000-4999"}};
  for (const auto& [code, name] : cases) {
    CAPTURE(code);
    CHECK(name_of(close_class(static_cast<std::uint16_t>(code))) == name);
  }
}

TEST_CASE("a request is counted where it belongs") {
  Metrics metrics(1);
  auto& worker = metrics.worker(0);
  auto& upstream = metrics.upstream("soketi").worker(0);

  count_request(worker, &upstream, plain_record());
  CHECK(upstream.requests[at(StatusClass::success)].value() == 1);
  CHECK(upstream.request_latency.bucket(4) == 1);  // 12 ms: above 10, up to 25
  CHECK(worker.bytes_from_clients.value() == 210);
  CHECK(worker.bytes_to_clients.value() == 612);

  count_request(worker, &upstream, refused_record());
  CHECK(worker.failures[at(FailureReason::connection_refused)].value() == 1);
  CHECK(worker.local_replies[at(FailureReason::connection_refused)].value() == 1);

  auto cut = plain_record();
  cut.failure = FailureReason::response_incomplete;  // its 200 had been relayed
  count_request(worker, &upstream, cut);
  CHECK(worker.failures[at(FailureReason::response_incomplete)].value() == 1);
  CHECK(worker.local_replies[at(FailureReason::response_incomplete)].value() == 0);

  auto lost = plain_record();
  lost.status = 404;
  lost.failure = FailureReason::no_route;
  count_request(worker, nullptr, lost);
  CHECK(worker.requests_without_upstream[at(StatusClass::client_error)].value() == 1);
}

TEST_CASE("handshakes are counted by result, and only their handshake time") {
  struct Case {
    int status;
    FailureReason failure;
    HandshakeResult result;
  };
  const Case cases[] = {
      {101, FailureReason::none, HandshakeResult::accepted},
      {403, FailureReason::none, HandshakeResult::answered},
      {503, FailureReason::none, HandshakeResult::answered},
      {426, FailureReason::upgrade_required, HandshakeResult::rejected},
      {502, FailureReason::connection_refused, HandshakeResult::failed},
      {499, FailureReason::client_gone, HandshakeResult::client_gone},
  };
  for (const auto& [status, failure, result] : cases) {
    CAPTURE(status);
    Metrics metrics(1);
    auto& upstream = metrics.upstream("a").worker(0);
    auto record = tunnel_record();
    record.status = static_cast<std::uint16_t>(status);
    record.failure = failure;
    count_request(metrics.worker(0), &upstream, record);
    CHECK(upstream.handshakes[at(result)].value() == 1);
    // The life of a socket must not poison the latency of requests.
    CHECK(upstream.request_latency.sum_microseconds() == 0);
    CHECK(upstream.handshake_latency.sum_microseconds() == (status == 101 ? 15'000 : 0));
  }
}

TEST_CASE("a tunnel's end is counted by who closed first and with what code") {
  Metrics metrics(1);
  auto& upstream = metrics.upstream("a").worker(0);
  count_tunnel_end(upstream, sample_tunnel());
  CHECK(upstream.tunnels_closed[at(TunnelSide::client)][at(CloseClass::going_away)].value() == 1);
  CHECK(upstream.tunnel_ends_by_reason[at(TunnelEnd::closed)].value() == 1);
  CHECK(upstream.tunnels_truncated.value() == 0);

  TunnelRecord lost;
  lost.closed_first = TunnelSide::gateway;
  lost.gateway_close_code = 1012;
  lost.end = TunnelEnd::pod_lost;
  lost.truncated = true;
  count_tunnel_end(upstream, lost);
  CHECK(upstream.tunnels_closed[at(TunnelSide::gateway)][at(CloseClass::restart)].value() == 1);
  CHECK(upstream.tunnels_truncated.value() == 1);
}
