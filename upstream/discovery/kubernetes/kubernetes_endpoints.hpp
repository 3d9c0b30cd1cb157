// The endpoints of a Service by its EndpointSlices, listed and then watched at the API server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "upstream/discovery/kubernetes/api_access.hpp"
#include "upstream/discovery/source.hpp"

namespace boost::asio {
class io_context;
}

namespace tidegate::upstream {

struct KubernetesOptions {
  ServiceAccount account = ServiceAccount::of_environment();  // where no kubeconfig is named
  // A watch lasts for this time and up to as long again (at random), and is then begun anew where it ended. A
  // server that has gone silent is noticed a moment after that.
  std::chrono::seconds watch{90};
  std::chrono::milliseconds answer{15'000};  // bounds the head of an answer
  // After watches that brought nothing at all for so long, no bookmark either, there is a new list.
  std::chrono::milliseconds silence{75'000};
  std::uint64_t seed = 0;  // of the jitter
};

// Asks for one thing only: to list and to watch the endpointslices of the namespace that belong to the
// Service.
//
// `confirm` is told when a watch begins, ends in time, and with each bookmark, which kube-apiserver sends
// about every minute. While the server cannot be asked it is tried again, after 200 ms at first and after up
// to 30 s in the end (see back_off.hpp), and `fail` is told each time. A version that the server has
// forgotten (410) leads to a new list, of which only the differences are told.
class KubernetesEndpoints final : public Source {
 public:
  KubernetesEndpoints(boost::asio::io_context& context, conf::KubernetesSource source, SourceEvents events,
                      KubernetesOptions options);
  ~KubernetesEndpoints() override;

 private:
  class Follower;
  std::shared_ptr<Follower> follower_;
};

}  // namespace tidegate::upstream
