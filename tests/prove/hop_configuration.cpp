// The three hops configured alike: the same pods, the same probe, timeouts that none of them reaches in a
// run.
#include <array>
#include <cmath>
#include <sstream>

#include <unistd.h>

#include "tests/prove/hop.hpp"

namespace tidegate::prove {

namespace {

// The pods' published probe has a period of 2 s; while a readiness outage of few seconds is on trial, 1 s.
// Where it is on trial what sockets tell of a pod, Kubernetes' own default, which sees it too late.
int probe_period(const Options& options) {
  if (options.trial() == Trial::soketi) return 10;
  return options.trial() == Trial::unready ? 1 : 2;
}

std::string server_lines(const Layout& layout, std::string_view before, std::string_view after) {
  std::string lines;
  for (std::size_t i = 0; i < layout.upstreams.size(); ++i) {
    std::string line(before);
    if (const auto number = line.find('#'); number != std::string::npos) {
      line.replace(number, 1, std::to_string(i));
    }
    lines += line + layout.upstreams[i] + std::string(after);
  }
  return lines;
}

}  // namespace

std::string tidegate_configuration(const Options& options, const Layout& layout) {
  std::ostringstream out;
  out << "listeners:\n  - address: \"127.0.0.1:" << layout.hop_port << "\"\n";
  if (options.tls)
    out << "    tls: { certificate: " << layout.certificate << ", key: " << layout.key << " }\n";
  if (options.workers > 0) out << "workers: " << options.workers << "\n";
  out << "routes:\n  - path: /\n    upstream: soketi\n";
  if (options.trial() == Trial::soketi && options.signs == Signs::first_frames) out << "    preset: soketi\n";
  if (options.trial() == Trial::soketi && options.signs == Signs::probes)
    out << "    webSocket: { inspect: off }\n";
  out << "upstreams:\n  soketi:\n";
  if (layout.kubeconfig.empty()) {
    out << "    endpoints:\n" << server_lines(layout, "      - \"", "\"\n");
  } else {
    out << "    kubernetes: { service: soketi, port: ws, kubeconfig: " << layout.kubeconfig << " }\n";
  }
  out << "    balance: least-connections\n";
  if (options.single) {
    // What such an address answers to a probe says nothing of the pod that the next connection reaches.
    out << "    virtual: true\n";
  } else {
    out << "    readinessProbe:\n      httpGet: { path: /ready }\n"
        << "      periodSeconds: " << probe_period(options) << "\n";
  }
  if (options.max_connections) out << "    maxConnections: " << *options.max_connections << "\n";
  if (options.trial() == Trial::drain) {
    const auto window = options.window.count();
    out << "    drain: { window: " << window << "s, deadline: " << 3 * window << "s }\n"
        << "    closes: { draining: { code: " << drain_code << ", reason: \"" << drain_reason << "\" } }\n";
  }
  if (!options.hold) out << "    hold: off\n";
  if (options.hold) out << "    hold: { maxWait: 10s }\n";
  if (!options.retry) out << "    retry: off\n";
  out << "admin: { address: \"127.0.0.1:" << layout.admin_port << "\"";
  if (options.trial() == Trial::drain) out << ", socket: " << layout.directory << "/admin.sock";
  out << " }\n"
      << "log:\n  access: { path: " << layout.directory << "/access.log }\n"
      << "  error: { path: " << layout.directory << "/error.log }\n";
  return out.str();
}

std::string nginx_configuration(const Options& options, const Layout& layout) {
  std::ostringstream out;
  if (::geteuid() == 0) out << "user root;\n";
  out << "daemon off;\npid " << layout.directory << "/nginx.pid;\n"
      << "worker_processes " << (options.workers > 0 ? std::to_string(options.workers) : "auto") << ";\n"
      << "worker_rlimit_nofile 20000;\n"
      << "events { worker_connections 9000; }\n"
      << "http {\n  access_log " << layout.directory << "/access.log;\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    out << "  " << kind << "_temp_path " << layout.directory << "/" << kind << ";\n";
  }
  std::string target = "soketi";
  if (options.single) {
    // One address goes straight into proxy_pass, as a Service's name does.
    target = layout.upstreams.front();
  } else {
    const auto limit =
        options.max_connections ? " max_conns=" + std::to_string(*options.max_connections) : "";
    out << "  upstream soketi {\n    zone soketi 256k;\n"
        << server_lines(layout, "    server ", limit + ";\n") << "  }\n";
  }
  out << "  server {\n    listen 127.0.0.1:" << layout.hop_port << (options.tls ? " ssl" : "")
      << " backlog=4096;\n";
  if (options.tls) {
    out << "    ssl_certificate " << layout.certificate << ";\n    ssl_certificate_key " << layout.key
        << ";\n";
  }
  out << "    location / {\n"
      << "      proxy_pass http://" << target << ";\n"
      << "      proxy_connect_timeout 10s;\n      proxy_read_timeout 1800s;\n"
      << "      proxy_http_version 1.1;\n"
      << "      proxy_set_header Upgrade $http_upgrade;\n"
      << "      proxy_set_header Connection \"Upgrade\";\n"
      << "      proxy_set_header X-Real-IP $remote_addr;\n    }\n  }\n}\n";
  return out.str();
}

std::string haproxy_configuration(const Options& options, const Layout& layout) {
  std::ostringstream out;
  out << "global\n  maxconn 9000\n  nbthread " << (options.workers > 0 ? options.workers : 2) << "\n"
      << "defaults\n  mode http\n  timeout http-request 15s\n  timeout connect 10s\n  timeout queue 10s\n"
      << "  timeout client 1800s\n  timeout server 1800s\n  timeout tunnel 1800s\n"
      << "  retries 3\n  option redispatch\n"
      << "  retry-on conn-failure empty-response response-timeout 502 503 504\n"
      << "frontend clients\n  bind 127.0.0.1:" << layout.hop_port
      << " backlog 4096\n  default_backend soketi\n"
      << "backend soketi\n  balance leastconn\n  option httpchk GET /ready\n"
      << "  default-server check inter " << probe_period(options) << "s fall 3 rise 1";
  if (options.max_connections) out << " maxconn " << *options.max_connections;
  out << "\n" << server_lines(layout, "  server pod-# ", "\n");
  return out.str();
}

HiddenWork hidden_work(const std::string& metrics) {
  struct Kind {
    std::string_view metric;
    const char* name;
  };
  constexpr std::array kinds{Kind{"tidegate_retries_total", "retries"}, Kind{"tidegate_holds_total", "holds"},
                             Kind{"tidegate_repicks_total", "re-picks"},
                             Kind{"tidegate_redrives_total", "re-drives"}};
  HiddenWork work;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto name = line.substr(0, line.find_first_of("{ "));
    const auto value = line.rfind(' ');
    if (value == std::string::npos) continue;
    for (const auto& kind : kinds) {
      if (name == kind.metric) {
        work[kind.name] +=
            static_cast<std::uint64_t>(std::llround(std::strtod(line.c_str() + value, nullptr)));
      }
    }
  }
  return work;
}

}  // namespace tidegate::prove
