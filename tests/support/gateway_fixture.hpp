// A whole gateway in the test's own process, on real sockets, configured by YAML.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/observe/metrics.hpp"
#include "gateway/process/reload.hpp"
#include "gateway/process/started_with.hpp"
#include "tests/support/patience.hpp"
#include "upstream/registry.hpp"

namespace tidegate::test {

class GatewayFixture {
 public:
  // Starts it; what `yaml` does not say is filled in: no access log, error log to /dev/null, admin listener
  // at a port of the system's choice, one worker, a shutdown deadline of 5 s. Listeners are written with port
  // 0. Throws Unexpected with the faults of the configuration. Does not wait for probes: see
  // `wait_for_ready`.
  explicit GatewayFixture(const std::string& yaml, gateway::StartedWith started = {});
  // Shuts down at once and joins, whatever is still open.
  ~GatewayFixture();
  GatewayFixture(const GatewayFixture&) = delete;
  GatewayFixture& operator=(const GatewayFixture&) = delete;

  // The port of a listener by its place in the configuration.
  [[nodiscard]] std::uint16_t port(std::size_t listener = 0) const;
  [[nodiscard]] std::uint16_t admin_port() const;
  // The body of a page of the admin listener such as `/metrics`; its status goes to `status`.
  [[nodiscard]] std::string admin(const std::string& path, int* status = nullptr) const;

  // === endpoints ===

  [[nodiscard]] std::vector<upstream::EndpointReport> endpoints() const;
  // Waits until the endpoint with this address is in the state (`ready`, `draining`, ...).
  void wait_for_state(const std::string& address, upstream::EndpointState state) const;
  // Waits until every endpoint is ready.
  void wait_for_ready() const;
  // Orders a drain, or takes the order back; returns when control has told the workers.
  void order(const std::string& address, upstream::AdminOrder order);
  void report_verdict(const std::string& address, upstream::Verdict verdict);
  // Waits until every worker has done what was posted to it before.
  void settle() const;

  // Runs it on each worker's thread; returns when all have done it.
  void run_on_workers(const std::function<void()>& action) const;
  // Bytes of the workers' buffers that are in use now.
  [[nodiscard]] std::size_t buffer_bytes() const;

  // === counters: sums over all workers, readable at any time ===
  // What a worker has begun it finishes first: an answer that a client has read may be a step ahead of its
  // count.

  using OfUpstream = std::function<std::uint64_t(const gateway::UpstreamCounters&)>;
  using OfWorker = std::function<std::uint64_t(const gateway::WorkerCounters&)>;
  [[nodiscard]] std::uint64_t upstream(const std::string& name, const OfUpstream& counter) const;
  [[nodiscard]] std::uint64_t workers(const OfWorker& counter) const;
  // Requests of this upstream that ended with a status of this class.
  [[nodiscard]] std::uint64_t requests(const std::string& name, gateway::StatusClass status) const;
  [[nodiscard]] std::uint64_t failures(gateway::FailureReason reason) const;
  [[nodiscard]] std::uint64_t retries(const std::string& name) const;
  [[nodiscard]] std::uint64_t waiting(const std::string& name) const;  // held now
  [[nodiscard]] std::uint64_t holds(const std::string& name, gateway::HoldResult result) const;

  // === reloads ===

  // Has it read this instead and waits for the outcome; what is left out is filled in as at first. When it
  // has succeeded every worker has been told.
  gateway::ReloadOutcome reload(const std::string& yaml);
  [[nodiscard]] std::size_t workers_serving() const;
  // As by command. False if it drains already.
  bool drain();
  void undrain();
  struct InProgress {
    std::int64_t requests = 0;
    std::int64_t tunnels = 0;
  };
  [[nodiscard]] InProgress in_progress() const;

  // === the end ===

  // Begins the graceful shutdown; the second call ends it at once.
  void shut_down();
  // True once `run` has returned, within the time.
  [[nodiscard]] bool ended_within(std::chrono::milliseconds time) const;

 private:
  struct Running;
  void on_control(std::function<void()> action) const;
  void settle_workers() const;
  [[nodiscard]] upstream::EndpointId id_of(const std::string& address) const;

  std::unique_ptr<Running> running_;
};

}  // namespace tidegate::test
