#include "tests/prove/reload_steps.hpp"

#include <array>
#include <sstream>

namespace tidegate::prove {

namespace {

// So many routes that what a reload leaves behind, if it leaves a configuration behind, can be seen.
constexpr int fillers = 300;
// Each for so many steps.
constexpr int workers_period = 5;
constexpr std::array workers{2, 3, 1, 2, 1};

void write_listeners(std::ostream& out, const Options& options, const Layout& layout,
                     const ReloadStep& step) {
  const auto tls = "    tls: { certificate: " + layout.certificate + ", key: " + layout.key + " }\n";
  out << "listeners:\n  - address: \"127.0.0.1:" << layout.hop_port << "\"\n";
  if (options.tls) out << tls;
  out << "  - address: \"127.0.0.1:" << layout.web_port << "\"\n" << tls;
  if (step.pattern % 2 == 1) out << "  - address: \"127.0.0.1:" << layout.spare_port << "\"\n";
}

void write_routes(std::ostream& out, const ReloadStep& step) {
  out << "routes:\n  - { path: /, upstream: soketi }\n"
      << "  - { path: " << web_path << ", upstream: soketi, responseHeaders: { set: { x-step: \""
      << step.number << "\" } } }\n"
      << "  - { path: /coming-" << step.pattern % 3 << ", respond: { body: there } }\n"
      << "  - { path: /to-spare, upstream: spare-" << step.pattern % 3 << " }\n";
  if (step.leaving) out << "  - { path: " << leaving_path << ", upstream: soketi }\n";
  for (int i = 0; i < fillers; ++i) {
    const int changes = i % 10 == step.pattern % 10 ? step.pattern : 0;
    out << "  - { path: /filler-" << i << ", respond: { body: \"" << changes << "\" } }\n";
  }
}

void write_upstreams(std::ostream& out, const Layout& layout, const ReloadStep& step) {
  out << "upstreams:\n  soketi:\n    endpoints:\n";
  for (const auto& pod : layout.upstreams) out << "      - \"" << pod << "\"\n";
  out << "    balance: least-connections\n"
      << "    readinessProbe: { httpGet: { path: /ready }, periodSeconds: 2 }\n"
      << "    timeouts: { responseHeader: " << 30 + step.pattern / 4 << "s }\n"
      << "    hold: { maxWait: 10s }\n"
      << "    drain: { window: 2s, deadline: 10s }\n"
      << "    closes: { removed: { code: " << drain_code << ", reason: \"" << drain_reason << "\" } }\n"
      << "  spare-" << step.pattern % 3 << ": { endpoints: [ \"127.0.0.1:9\" ] }\n";
}

}  // namespace

std::string reload_configuration(const Options& options, const Layout& layout, const ReloadStep& step) {
  std::ostringstream out;
  out << "workers: " << workers[static_cast<std::size_t>(step.pattern / workers_period) % workers.size()]
      << "\n";
  write_listeners(out, options, layout, step);
  write_routes(out, step);
  write_upstreams(out, layout, step);
  out << "admin: { address: \"127.0.0.1:" << layout.admin_port << "\", socket: " << layout.directory
      << "/admin.sock }\n"
      << "log:\n  access: { path: " << layout.directory << "/access.log }\n"
      << "  error: { path: " << layout.directory << "/error.log }\n";
  return out.str();
}

}  // namespace tidegate::prove
