// Two threads or processes each, no access log, connections to the server kept for the next request.
#include <filesystem>
#include <sstream>

#include <unistd.h>

#include "tests/bench/hop.hpp"

namespace tidegate::bench {
namespace {

std::string tidegate_yaml(const Layout& layout) {
  std::ostringstream out;
  // A peer is not given up before `writeStall`.
  const std::string impatience =
      layout.half_open ? ", tcpKeepalive: { idle: 1s, interval: 1s, probes: 2 }, timeouts: { writeStall: 3s }"
                       : "";
  const std::string tls = layout.certificate.empty()
                              ? ""
                              : ", tls: { certificate: " + layout.certificate + ", key: " + layout.key + " }";
  out << "listeners:\n  - { address: \"127.0.0.1:" << layout.port << "\"" << tls << impatience
      << " }\nworkers: 2\n";
  if (!layout.inspect.empty())
    out << "routes:\n  - { path: /, upstream: server, webSocket: { inspect: " << layout.inspect << " } }\n";
  const auto server = "endpoints: [\"127.0.0.1:" + std::to_string(layout.server_port) + "\"]";
  out << "upstreams:\n  server: { " << (layout.source.empty() ? server : layout.source) << impatience
      << " }\n"
      << "admin: { address: \"127.0.0.1:" << layout.admin_port << "\" }\n"
      << "log:\n  access: off\n  error: { path: " << layout.folder << "/error.log }\n";
  return out.str();
}

std::string nginx_conf(const Layout& layout) {
  std::ostringstream out;
  if (::geteuid() == 0) out << "user root;\n";
  out << "daemon off;\npid " << layout.folder << "/nginx.pid;\n"
      << "worker_processes 2;\nworker_rlimit_nofile 20000;\n"
      // One worker may get nearly all of them.
      << "events { worker_connections " << 2 * layout.sockets + 500 << "; }\n"
      << "http {\n  access_log off;\n";
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    out << "  " << kind << "_temp_path " << layout.folder << "/" << kind << ";\n";
  }
  out << "  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }\n"
      << "  keepalive_requests 1000000000;\n"
      << "  upstream server {\n    server 127.0.0.1:" << layout.server_port << ";\n"
      << "    keepalive 128;\n    keepalive_requests 1000000000;\n  }\n"
      << "  server {\n    listen 127.0.0.1:" << layout.port << (layout.certificate.empty() ? "" : " ssl")
      << " backlog=4096 reuseport;\n";
  if (!layout.certificate.empty()) {
    out << "    ssl_certificate " << layout.certificate << ";\n    ssl_certificate_key " << layout.key
        << ";\n    ssl_protocols TLSv1.2 TLSv1.3;\n";
  }
  out << "    location / {\n"
      << "      proxy_pass http://server;\n      proxy_http_version 1.1;\n      proxy_read_timeout 1h;\n"
      << "      proxy_set_header Host $http_host;\n      proxy_set_header Upgrade $http_upgrade;\n"
      << "      proxy_set_header Connection $connection_upgrade;\n"
      << "      proxy_set_header X-Forwarded-For $remote_addr;\n    }\n  }\n}\n";
  return out.str();
}

// HAProxy looks for the key of `FILE` in `FILE.key`.
std::string haproxy_cfg(const Layout& layout) {
  std::ostringstream out;
  std::string tls;
  if (!layout.certificate.empty()) {
    namespace fs = std::filesystem;
    const auto file = layout.folder + "/shown.pem";
    fs::copy_file(layout.certificate, file, fs::copy_options::overwrite_existing);
    fs::copy_file(layout.key, file + ".key", fs::copy_options::overwrite_existing);
    tls = " ssl crt " + file;
  }
  out << "global\n  maxconn " << layout.sockets + 300 << "\n  nbthread 2\n"
      << "defaults\n  mode http\n  option forwardfor\n  timeout connect 5s\n  timeout client 1h\n"
      << "  timeout server 1h\n  timeout tunnel 1h\n  timeout http-request 15s\n"
      << "frontend clients\n  bind 127.0.0.1:" << layout.port << " backlog 4096" << tls
      << "\n  default_backend server\n"
      << "backend server\n  server one 127.0.0.1:" << layout.server_port << "\n";
  return out.str();
}

}  // namespace

std::string configuration(Kind kind, const Layout& layout) {
  switch (kind) {
    case Kind::tidegate: return tidegate_yaml(layout);
    case Kind::nginx: return nginx_conf(layout);
    case Kind::haproxy: return haproxy_cfg(layout);
  }
  return {};
}

}  // namespace tidegate::bench
