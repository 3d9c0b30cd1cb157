// What anybody may say in the name of an API server: the first line is a list, each further one an event of a
// watch. Whoever applies the updates one by one knows what one who asks at the end would be told.
#include <map>
#include <set>

#include "tests/fuzz/target.hpp"
#include "upstream/discovery/kubernetes/line_splitter.hpp"
#include "upstream/discovery/kubernetes/slice_table.hpp"
#include "upstream/discovery/kubernetes/watch_event.hpp"

using namespace tidegate;
using namespace tidegate::fuzz;
using namespace tidegate::upstream;

namespace {

conf::KubernetesSource wanted() {
  conf::KubernetesSource source;
  source.service = "soketi";
  source.zone = "a";
  return source;
}

using Known = std::map<std::string, DiscoveredEndpoint>;

class Listener {
 public:
  void hear(const std::vector<DiscoveryUpdate>& updates) {
    for (const auto& update : updates) {
      const auto* const reset = std::get_if<Reset>(&update);
      require((reset != nullptr) == !std::exchange(begun_, true), "a Reset comes first, and only then");
      if (reset != nullptr) take(reset->endpoints);
      if (const auto* const upsert = std::get_if<Upsert>(&update)) take(upsert->endpoints);
      const auto* const remove = std::get_if<Remove>(&update);
      if (remove == nullptr) continue;
      for (const auto& address : remove->addresses)
        require(known_.erase(address.text()) == 1, "who leaves was there");
    }
  }

  void check() const {
    std::set<std::string> names;
    for (const auto& [address, endpoint] : known_) {
      require(endpoint.address.text() == address, "each has its own address");
      require(endpoint.name.empty() || names.insert(endpoint.name).second, "no two have one name");
      require((endpoint.offer == Offer::serving) == endpoint.cause.empty(), "an offer has its evidence");
    }
  }
  [[nodiscard]] const Known& known() const { return known_; }

 private:
  void take(const std::vector<DiscoveredEndpoint>& endpoints) {
    std::set<std::string> seen;
    for (const auto& endpoint : endpoints) {
      const auto address = endpoint.address.text();
      require(seen.insert(address).second, "an address stands once in an update");
      const auto [place, fresh] = known_.emplace(address, endpoint);
      require(fresh || place->second != endpoint, "what is as it was is not told");
      place->second = endpoint;
    }
  }

  Known known_;
  bool begun_ = false;
};

// The slices as they are at the end, told at once.
void check_end(const std::map<std::string, EndpointSlice>& slices, const Listener& listener) {
  SliceTable table(wanted());
  for (const auto& slice : slices) table.put(slice.second);
  Listener fresh;
  fresh.hear(table.take("end"));
  require(table.fault() || fresh.known().size() == listener.known().size(), "as many are known");
  for (const auto& endpoint : fresh.known())
    require(listener.known().contains(endpoint.first), "the same are known");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  LineSplitter lines(64 * 1024);
  lines.append(text_of(data, size));
  SliceTable table(wanted());
  Listener listener;
  std::map<std::string, EndpointSlice> slices;
  bool listed = false;
  while (const auto line = lines.next()) {
    if (!std::exchange(listed, true)) {
      const auto page = read_page(*line);
      if (!page) return 0;
      for (const auto& slice : page->slices) slices[slice.name] = slice;
      for (const auto& slice : page->slices) table.put(slice);
    } else {
      const auto event = read_watch_event(*line);
      (void)read_status_message(*line);
      if (!event) continue;
      if (const auto* const stands = std::get_if<SliceStands>(&event->what)) {
        slices[stands->slice.name] = stands->slice;
        table.put(stands->slice);
      }
      if (const auto* const deleted = std::get_if<SliceDeleted>(&event->what)) {
        slices.erase(deleted->name);
        table.remove(deleted->name);
      }
    }
    listener.hear(table.take("why"));
    listener.check();
  }
  if (listed) check_end(slices, listener);
  return 0;
}
