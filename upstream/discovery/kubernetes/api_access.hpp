// Where an API server is and as whom it is asked, read from files. These are small; they are read anew for
// each request, so that a token, a CA or a kubeconfig that is renewed counts from the next one on.
#pragma once

#include <cstdint>
#include <string>

#include "conf/units.hpp"

namespace tidegate::upstream {

struct ApiAccess {
  bool tls = true;
  std::string host;  // a name, or an IP literal without brackets
  std::uint16_t port = 443;
  std::string path;  // before `/apis`, without a slash at its end; mostly empty
  std::string name_space = "default";

  bool verify = true;
  std::string server_name;       // in the certificate of the server, if it is not `host`
  std::string authorities;       // PEM; empty: the system's
  std::string authorities_file;  // for messages

  // As whom. A token, or a certificate with its key, both PEM; neither: as nobody.
  std::string token;
  std::string token_file;  // for messages; empty: it did not come from one
  std::string certificate;
  std::string key;

  // `https://10.96.0.1:443`
  [[nodiscard]] std::string text() const;
};

// What Kubernetes puts into every pod whose service account may talk to the API server.
struct ServiceAccount {
  std::string host;  // $KUBERNETES_SERVICE_HOST
  std::string port;  // $KUBERNETES_SERVICE_PORT
  std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  [[nodiscard]] static ServiceAccount of_environment();
};

// The error names the file and what to do.
[[nodiscard]] conf::Parsed<ApiAccess> read_service_account(const ServiceAccount& account);
[[nodiscard]] conf::Parsed<ApiAccess> read_kubeconfig(const std::string& file);

}  // namespace tidegate::upstream
