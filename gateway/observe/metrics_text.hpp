// The Prometheus text exposition (format 0.0.4).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/observe/limit_report.hpp"
#include "gateway/observe/metrics.hpp"
#include "gateway/observe/reload_report.hpp"
#include "gateway/observe/source_report.hpp"
#include "gateway/observe/staple_state.hpp"

namespace tidegate::upstream {
struct EndpointReport;
}

namespace tidegate::gateway {

// What the kernel says about this process.
struct ProcessFacts {
  std::uint64_t open_descriptors = 0;
  std::uint64_t descriptor_limit = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t virtual_bytes = 0;
  double cpu_seconds = 0;
  double start_time_seconds = 0;  // Unix time
};
// Reads /proc/self; what cannot be read stays 0.
[[nodiscard]] ProcessFacts read_process_facts();

// When a certificate that is served ends.
struct CertificateExpiry {
  std::string file;
  std::int64_t unix_seconds = 0;
};

struct MetricsInput {
  const Metrics& metrics;
  const std::vector<upstream::EndpointReport>& endpoints;
  ProcessFacts process;
  std::uint64_t access_lines_dropped = 0;
  std::uint64_t error_lines_dropped = 0;
  bool ready = false;
  std::string_view version;
  std::vector<CertificateExpiry> certificates = {};  // each file once
  std::vector<StapleState> staples = {};
  std::vector<SourceReport> sources = {};
  std::vector<LimitReport> limits = {};
  ReloadReport reloads = {};
  std::size_t workers_serving = 0;  // 0: all
};

// Everything, HELP and TYPE included. `process_*` names are the customary ones, all others begin with
// `tidegate_`.
[[nodiscard]] std::string metrics_text(const MetricsInput& input);

// The part of it about limits: those of clients, of connections and of memory (metrics_limits.cpp).
void append_limit_metrics(std::string& out, const MetricsInput& input);

}  // namespace tidegate::gateway
