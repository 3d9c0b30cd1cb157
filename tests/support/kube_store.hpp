// What a Kubernetes API server knows of EndpointSlices, with the versions and the history that lists and
// watches go by. No sockets; one thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/kube_slice.hpp"

namespace tidegate::test {

// Whose slices a request asks for. An empty service: all of the namespace.
struct KubeSelection {
  std::string name_space;
  std::string service;
  [[nodiscard]] bool has(const KubeSlice& slice) const {
    return slice.name_space == name_space && (service.empty() || slice.service == service);
  }
};

struct KubeChange {
  std::uint64_t version = 0;
  std::string type;  // ADDED, MODIFIED or DELETED
  KubeSlice slice;
  std::string line;  // the event of a watch
};

class KubeStore {
 public:
  // Each gives the change; a slice is known by its namespace and name. Removing one that is not there
  // gives one without a type.
  KubeChange put(const KubeSlice& slice);
  KubeChange remove(const std::string& name_space, const std::string& name);
  // Forgets what led to the present state: watches from an older version and pages of older lists are 410.
  void compact();

  // Of the last change to any object.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  // Whether a watch may begin there.
  [[nodiscard]] bool remembers(std::uint64_t version) const { return version >= compacted_; }
  // The changes after that version, in order.
  [[nodiscard]] std::vector<KubeChange> since(std::uint64_t version) const;

  // One page of a list as JSON; `next` asks for a further page of the state that the first one showed. Empty:
  // that state is forgotten.
  [[nodiscard]] std::string page(const KubeSelection& selection, std::size_t limit, const std::string& next);
  [[nodiscard]] std::string bookmark() const;

 private:
  using Snapshot = std::vector<std::pair<std::uint64_t, KubeSlice>>;  // with the version of each

  KubeChange record(std::string type, const KubeSlice& slice);

  // 0 and 1 mean something else, or nothing, to real servers.
  std::uint64_t version_ = 100;
  std::uint64_t compacted_ = 0;
  std::map<std::pair<std::string, std::string>, std::pair<std::uint64_t, KubeSlice>> slices_;
  std::vector<KubeChange> history_;
  std::map<std::uint64_t, Snapshot> snapshots_;  // of lists that were begun, by version
};

}  // namespace tidegate::test
