#include "upstream/discovery/kubernetes/api_access.hpp"

#include <cstdlib>

#include "upstream/discovery/kubernetes/credential_file.hpp"

namespace tidegate::upstream {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : value;
}

conf::Parsed<ApiAccess> refusal(std::string why) {
  return {boost::system::in_place_error, conf::Unreadable{std::move(why)}};
}

}  // namespace

ServiceAccount ServiceAccount::of_environment() {
  ServiceAccount account;
  account.host = environment("KUBERNETES_SERVICE_HOST");
  account.port = environment("KUBERNETES_SERVICE_PORT");
  return account;
}

std::string ApiAccess::text() const {
  return (tls ? "https://" : "http://") + conf::Address{host, port, {}}.text() + path;
}

conf::Parsed<ApiAccess> read_service_account(const ServiceAccount& account) {
  if (account.host.empty())
    return refusal(
        "KUBERNETES_SERVICE_HOST is not set, so tidegate does not run in a pod of Kubernetes; name a "
        "kubeconfig "
        "file to reach the API server from outside");
  const auto port = conf::parse_integer(account.port);
  if (!port || *port < 1 || *port > 65535)
    return refusal("KUBERNETES_SERVICE_PORT is not a port but " + conf::quote(account.port));

  ApiAccess access;
  access.host = account.host;
  access.port = static_cast<std::uint16_t>(*port);
  access.token_file = account.folder + "/token";
  access.authorities_file = account.folder + "/ca.crt";
  auto token = read_word_file(access.token_file);
  if (!token)
    return refusal(token.error().why +
                   "; the pod needs a service account whose token is mounted (automountServiceAccountToken)");
  access.token = std::move(*token);
  auto authorities = read_credential_file(access.authorities_file);
  if (!authorities) return refusal(authorities.error().why);
  if (authorities->empty()) return refusal(access.authorities_file + ": is empty, so nobody can be trusted");
  access.authorities = std::move(*authorities);
  auto name_space = read_word_file(account.folder + "/namespace");
  if (!name_space) return refusal(name_space.error().why);
  access.name_space = std::move(*name_space);
  return {boost::system::in_place_value, std::move(access)};
}

}  // namespace tidegate::upstream
