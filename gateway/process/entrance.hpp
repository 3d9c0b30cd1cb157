// The listener that a connection came in by, as it stands for this connection.
#pragma once

#include <cstdint>
#include <memory>

#include "gateway/process/worker_view.hpp"

namespace tidegate::gateway {

// Shared by the connections of one listener in one worker, which alone uses it. A reload puts the new view
// into it; where the listener is gone, or asks something else of connections than these were asked, it stays
// with the last one that fits: their requests in progress are answered under it, and then they end.
struct Entrance {
  WorkerViewPtr view;
  std::uint32_t listener = 0;  // index into the view's listeners
  bool closed = false;         // no further request is taken
};

using EntrancePtr = std::shared_ptr<Entrance>;

}  // namespace tidegate::gateway
