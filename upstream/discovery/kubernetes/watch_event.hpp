// What the API server says to a list and to a watch of EndpointSlices, read from its JSON. Pure.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "conf/units.hpp"
#include "upstream/discovery/kubernetes/endpoint_slice.hpp"

namespace tidegate::upstream {

// One page of a list.
struct SlicePage {
  std::vector<EndpointSlice> slices;
  std::vector<UnreadableSlice> unreadable;
  std::string version;  // of the list (metadata.resourceVersion)
  std::string next;     // asks for the next page (metadata.continue); empty: it was the last
};

struct SliceStands {  // ADDED or MODIFIED
  EndpointSlice slice;
};
struct SliceDeleted {
  std::string name;
};
struct Bookmark {};
struct WatchError {  // the watch ends with this
  int code = 0;      // as an HTTP status; 410: the version is too old to go on from
  std::string message;
};

struct WatchEvent {
  std::variant<SliceStands, SliceDeleted, Bookmark, WatchError, UnreadableSlice> what;
  std::string version;  // from which to go on watching; empty for an error
};

// The error is a sentence about an answer that is not of the Kubernetes API.
[[nodiscard]] conf::Parsed<SlicePage> read_page(std::string_view body);
[[nodiscard]] conf::Parsed<WatchEvent> read_watch_event(std::string_view line);

// The message of a Status object, as fits a line of a log; empty if it is none.
[[nodiscard]] std::string read_status_message(std::string_view body);

}  // namespace tidegate::upstream
