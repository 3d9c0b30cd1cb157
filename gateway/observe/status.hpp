// What `tidegate status` shows: the state of the whole gateway in a few lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/observe/reload_report.hpp"
#include "gateway/observe/source_report.hpp"
#include "upstream/registry.hpp"

namespace tidegate::gateway {

// Of the configuration in force.
struct UpstreamStatus {
  std::string name;
  std::int64_t tunnels = 0;
  std::int64_t waiting = 0;  // requests and handshakes that are held
};

struct Status {
  std::string_view version;
  bool ready = false;       // as /ready says
  std::string why;          // it is not
  std::size_t workers = 0;  // that serve
  std::int64_t requests = 0;
  std::int64_t tunnels = 0;
  ReloadReport reloads;
  std::string reload_fault;  // of the last reload, a line or more; empty: it succeeded
  std::vector<UpstreamStatus> upstreams;
  std::vector<SourceReport> sources;
  // Those of upstreams that a reload removed are among them until they are empty.
  std::vector<upstream::EndpointReport> endpoints;
};

// For people: of each upstream the counts, its sources that fail or have no endpoints, and those endpoints
// that are not ready, or take no new WebSockets, with the cause.
[[nodiscard]] std::string status_text(const Status& status);

// For programs: the members of `endpoints_page`, the JSON object that /endpoints answers, and beside them
// `{"version","ready","why","workers","requests","tunnels","reload":{"succeeded","failed","lastSucceeded",
// "inForceSince","fault"},"upstreams":[{"name","tunnels","waiting"},...]}`; `inForceSince` is RFC 3339.
[[nodiscard]] std::string status_json(const Status& status, std::string_view endpoints_page);

}  // namespace tidegate::gateway
