#include "tests/prove/rollout.hpp"

#include <algorithm>

namespace tidegate::prove {

using std::chrono::milliseconds;

namespace {

Step::Kind kind_of(Restarts restarts, std::size_t index) {
  if (restarts == Restarts::graceful) return Step::Kind::graceful;
  if (restarts == Restarts::kill) return Step::Kind::kill;
  return index % 2 == 0 ? Step::Kind::graceful : Step::Kind::kill;
}

}  // namespace

Rollout plan_rollout(const Options& options, std::size_t pods) {
  Rollout rollout;
  // A drained pod has no sockets left to wait for.
  if (options.trial() == Trial::drain) rollout.grace = milliseconds(300);
  const bool as_soketi = options.trial() == Trial::soketi;
  const bool rolls = options.trial() == Trial::rollout || options.trial() == Trial::kubernetes;
  if (!rolls && !as_soketi) return rollout;
  const milliseconds total = options.time;
  const milliseconds lead = total / 20;  // the load is up before the first pod goes
  const milliseconds outage = options.all_down ? down_time + milliseconds(1000) : milliseconds(0);
  const std::size_t restarts = as_soketi ? pods : 2 * pods;
  // The last tenth of the time is left to whatever the last restart leads to.
  const milliseconds slot =
      std::max((total * 9 / 10 - lead - outage) / static_cast<int>(restarts), milliseconds(300));
  rollout.grace = std::clamp(as_soketi ? slot * 3 / 4 : slot / 2, milliseconds(200), milliseconds(3000));
  rollout.start_refuse = std::clamp(slot / 8, milliseconds(50), milliseconds(1000));
  rollout.start_unready = rollout.start_refuse;
  milliseconds at = lead;
  for (std::size_t i = 0; i < restarts; ++i, at += slot) {
    if (options.all_down && i == pods) {
      rollout.steps.push_back({Step::Kind::all_down, 0, at});
      at += outage;
    }
    rollout.steps.push_back({kind_of(options.restarts, i), i % pods, at});
  }
  return rollout;
}

}  // namespace tidegate::prove
