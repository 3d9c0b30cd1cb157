#include <array>
#include <string>

#include "gateway/observe/escape.hpp"
#include "gateway/observe/metrics_text.hpp"

namespace tidegate::gateway {

std::string_view name_of(LimitKind kind) {
  constexpr std::array<std::string_view, limit_kinds> names{"requests", "handshakes", "connections",
                                                            "webSockets"};
  return names[static_cast<std::size_t>(kind)];
}

namespace {

void append_family(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out.append("# HELP ").append(name).append(" ").append(help);
  out.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

// `more` is empty or begins with a comma.
void append_sample(std::string& out, std::string_view name, const LimitReport& limit, std::string_view more,
                   std::uint64_t value) {
  out.append(name).append("{limit=");
  append_label_value(out, limit.name);
  out.append(",dry_run=\"").append(limit.dry_run ? "1" : "0").append("\"").append(more).append("} ");
  out.append(std::to_string(value)).append("\n");
}

void append_of_worker(std::string& out, std::string_view name, std::size_t worker, const Gauge& gauge) {
  out.append(name).append("{worker=\"").append(std::to_string(worker)).append("\"} ");
  out.append(std::to_string(gauge.value())).append("\n");
}

void append_per_limit(std::string& out, const MetricsInput& input, std::array<std::string_view, 3> family,
                      std::uint64_t LimitReport::*member) {
  append_family(out, family[0], family[1], family[2]);
  for (const auto& limit : input.limits) append_sample(out, family[0], limit, {}, limit.*member);
}

// Each worker has its own share, so that the fullest decides when a request is refused.
void append_buffers(std::string& out, const Metrics& metrics) {
  constexpr std::string_view used = "tidegate_buffer_bytes";
  append_family(out, used, "gauge", "Memory of buffers in use by worker, those of tunnels included.");
  for (std::size_t i = 0; i < metrics.workers(); ++i)
    append_of_worker(out, used, i, metrics.worker(i).buffer_bytes);
  constexpr std::string_view most = "tidegate_buffer_limit_bytes";
  append_family(out, most, "gauge", "Its ceiling (`bufferMemory`): a worker that is over it answers 503.");
  for (std::size_t i = 0; i < metrics.workers(); ++i)
    append_of_worker(out, most, i, metrics.worker(i).buffer_limit_bytes);
}

}  // namespace

void append_limit_metrics(std::string& out, const MetricsInput& input) {
  std::uint64_t shed = 0;
  for (std::size_t i = 0; i < input.metrics.workers(); ++i)
    shed += input.metrics.worker(i).connections_shed.value();
  constexpr std::string_view shed_name = "tidegate_connections_shed_total";
  append_family(out, shed_name, "counter",
                "Client connections without a request in progress closed to make room for others.");
  out.append(shed_name).append(" ").append(std::to_string(shed)).append("\n");
  append_buffers(out, input.metrics);
  if (input.limits.empty()) return;

  constexpr std::string_view refused = "tidegate_limit_refused_total";
  append_family(out, refused, "counter", "What went beyond a limit of a client, by limit and kind.");
  for (const auto& limit : input.limits) {
    for (std::size_t kind = 0; kind < limit_kinds; ++kind) {
      const auto label = ",kind=\"" + std::string(name_of(static_cast<LimitKind>(kind))) + "\"";
      append_sample(out, refused, limit, label, limit.refused[kind]);
    }
  }
  append_per_limit(
      out, input,
      {"tidegate_limit_delayed_total", "counter", "Requests that waited until their rate had caught up."},
      &LimitReport::delayed);
  append_per_limit(out, input, {"tidegate_limit_clients", "gauge", "Clients that a limit remembers."},
                   &LimitReport::clients);
  append_per_limit(out, input,
                   {"tidegate_limit_forgotten_total", "counter",
                    "Clients forgotten to make room for others: raise `addresses` if it grows."},
                   &LimitReport::forgotten);
}

}  // namespace tidegate::gateway
