// The endpoints as JSON, for the admin listener.
#pragma once

#include <string>
#include <vector>

#include "gateway/observe/source_report.hpp"

namespace tidegate::upstream {
struct EndpointReport;
}

namespace tidegate::gateway {

// `{"endpoints":[{"cluster","id","name","address","weight","state","cause","since","active","transitions",
// "takesNewSockets","newSocketsCause"},...]}`, in the order of cluster, name and id; `since` is RFC 3339 in
// UTC with milliseconds, and the last one says what its probes have against new WebSockets, or is empty.
// Beside it `"sources":[{"cluster","source","spoken","fault","ageSeconds","stale"},...]`.
[[nodiscard]] std::string endpoints_json(std::vector<upstream::EndpointReport> endpoints,
                                         const std::vector<SourceReport>& sources);

}  // namespace tidegate::gateway
