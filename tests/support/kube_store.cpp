#include "tests/support/kube_store.hpp"

#include <algorithm>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

namespace tidegate::test {
namespace {

namespace json = boost::json;

constexpr std::size_t most_history = 10'000;
constexpr std::size_t most_snapshots = 16;

std::string event_line(const std::string& type, json::object object) {
  return json::serialize(json::object{{"type", type}, {"object", std::move(object)}}) + "\n";
}

}  // namespace

KubeChange KubeStore::record(std::string type, const KubeSlice& slice) {
  KubeChange change{++version_, std::move(type), slice, {}};
  change.line = event_line(change.type, json_of(slice, version_));
  history_.push_back(change);
  if (history_.size() > most_history) {
    compacted_ = history_.front().version;
    history_.erase(history_.begin());
  }
  return change;
}

KubeChange KubeStore::put(const KubeSlice& slice) {
  const auto key = std::pair(slice.name_space, slice.name);
  auto change = record(slices_.contains(key) ? "MODIFIED" : "ADDED", slice);
  slices_[key] = {version_, slice};
  return change;
}

KubeChange KubeStore::remove(const std::string& name_space, const std::string& name) {
  const auto found = slices_.find({name_space, name});
  if (found == slices_.end()) return {};
  auto change = record("DELETED", found->second.second);
  slices_.erase(found);
  return change;
}

void KubeStore::compact() {
  compacted_ = ++version_;
  history_.clear();
  snapshots_.clear();
}

std::vector<KubeChange> KubeStore::since(std::uint64_t version) const {
  const auto later = [version](const KubeChange& change) { return change.version > version; };
  return {std::find_if(history_.begin(), history_.end(), later), history_.end()};
}

std::string KubeStore::page(const KubeSelection& selection, std::size_t limit, const std::string& next) {
  // `VERSION.OFFSET`
  const auto dot = next.find('.');
  const auto version = next.empty() ? version_ : std::stoull(next.substr(0, dot));
  const std::size_t begin = next.empty() ? 0 : std::stoull(next.substr(dot + 1));
  if (next.empty()) {
    Snapshot now;
    for (const auto& entry : slices_) {
      if (selection.has(entry.second.second)) now.push_back(entry.second);
    }
    snapshots_[version] = std::move(now);
    if (snapshots_.size() > most_snapshots) snapshots_.erase(snapshots_.begin());
  }
  const auto snapshot = snapshots_.find(version);
  if (snapshot == snapshots_.end()) return {};

  const auto& slices = snapshot->second;
  const auto end = limit == 0 ? slices.size() : std::min(slices.size(), begin + limit);
  json::array items;
  for (auto i = begin; i < end; ++i) items.push_back(json_of(slices[i].second, slices[i].first));
  json::object metadata{{"resourceVersion", std::to_string(version)}};
  if (end < slices.size()) metadata["continue"] = std::to_string(version) + "." + std::to_string(end);
  return json::serialize(json::object{{"kind", "EndpointSliceList"},
                                      {"apiVersion", "discovery.k8s.io/v1"},
                                      {"metadata", std::move(metadata)},
                                      {"items", std::move(items)}});
}

std::string KubeStore::bookmark() const {
  return event_line("BOOKMARK",
                    json::object{{"kind", "EndpointSlice"},
                                 {"apiVersion", "discovery.k8s.io/v1"},
                                 {"metadata", json::object{{"resourceVersion", std::to_string(version_)}}},
                                 {"addressType", ""},
                                 {"endpoints", nullptr},
                                 {"ports", nullptr}});
}

}  // namespace tidegate::test
