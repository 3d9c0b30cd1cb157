#include "upstream/discovery/kubernetes/api_refusal.hpp"

namespace tidegate::upstream {
namespace {

std::string unknown_credentials(const ApiAccess& access) {
  const std::string nobody = "does not know who asks (401): ";
  if (!access.token_file.empty())
    return nobody + "the token in " + access.token_file +
           " is not or no longer valid; it is read anew for each try";
  if (!access.token.empty()) return nobody + "the token of the kubeconfig is not or no longer valid";
  if (!access.certificate.empty()) return nobody + "the client-certificate is not or no longer valid";
  return nobody + "the kubeconfig has no token, tokenFile or client-certificate for the user";
}

}  // namespace

std::string describe(const ApiRefusal& refusal, const ApiAccess& access) {
  const std::string verb = refusal.watching ? "watch" : "list";
  const auto said = refusal.message.empty() ? "" : " (\"" + refusal.message + "\")";
  switch (refusal.status) {
    case 401: return unknown_credentials(access) + said;
    case 403:
      return "does not let tidegate " + verb + " endpointslices.discovery.k8s.io in namespace " +
             refusal.name_space +
             " (403): a Role with the verbs list and watch for them has to be bound to the service account, "
             "see "
             "examples/kubernetes" +
             said;
    case 404:
      return "knows no endpointslices of discovery.k8s.io/v1 (404): Kubernetes has them since 1.21; is it "
             "the "
             "API server at all?" +
             said;
    case 429: return "is asked too much by all its clients (429)" + said;
    default:
      return "answered a " + verb + " of endpointslices with HTTP " + std::to_string(refusal.status) + said;
  }
}

}  // namespace tidegate::upstream
