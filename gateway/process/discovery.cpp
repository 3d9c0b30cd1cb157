#include "gateway/process/discovery.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <spdlog/logger.h>

#include "conf/units.hpp"

namespace tidegate::gateway {
namespace {

using upstream::SourceNumber;
using upstream::TimePoint;

// A fault that goes on is said again after so long.
constexpr std::chrono::seconds kTellAgain{60};
constexpr std::chrono::seconds kTellChange{1};
constexpr std::size_t kMostWarnings = 100;

}  // namespace

struct Discovery::Followed {
  SourceSettings settings;
  SourceNumber number = 0;
  TimePoint fresh{};    // what it says was last known to be true; before that, when it was begun with
  TimePoint failing{};  // since when `fault` is not empty
  TimePoint said{};     // when `fault` was logged last
  bool spoken = false;
  bool stale = false;
  std::string fault;
  std::uint64_t updates = 0;
  std::uint64_t failures = 0;
  std::unique_ptr<upstream::Source> source;  // last: it may tell of nothing once the rest is gone
};

// A source that is followed no more, or the one of another process.
struct Discovery::Earlier {
  SourceNumber number = 0;
  TimePoint since{};  // nobody renews what it said
  bool stale = false;
  bool spoken = false;
};

struct Discovery::Cluster {
  std::vector<std::unique_ptr<Followed>> sources;
  std::vector<Earlier> earlier;  // whose word holds until all of `sources` have spoken
  conf::Duration keep{0};
  std::set<std::string> warned;

  [[nodiscard]] bool all_have_spoken() const {
    return std::ranges::all_of(sources, [](const auto& followed) { return followed->spoken; });
  }
};

Discovery::Discovery(upstream::Registry& registry, std::shared_ptr<spdlog::logger> log, Open open)
    : registry_(registry), log_(std::move(log)), open_(std::move(open)) {}
Discovery::~Discovery() = default;

// === what is followed ===

void Discovery::apply(const conf::Config& config, TimePoint now) {
  std::set<std::string_view> names;
  for (const auto& upstream : config.upstreams) {
    const auto wanted = sources_of(upstream, config.resolver);
    const auto known = clusters_.find(upstream.name);
    if (wanted.empty() && known == clusters_.end()) continue;
    names.insert(upstream.name);
    auto& cluster = clusters_[upstream.name];
    cluster.keep = upstream.keep_endpoints;
    std::erase_if(cluster.sources, [&](const std::unique_ptr<Followed>& followed) {
      if (std::ranges::find(wanted, followed->settings) != wanted.end()) return false;
      cluster.earlier.push_back(earlier_of(*followed, now));
      return true;
    });
    for (const auto& settings : wanted) {
      const bool followed = std::ranges::any_of(
          cluster.sources, [&](const auto& source) { return source->settings == settings; });
      if (!followed) open(upstream.name, cluster, settings, now);
    }
    part_from_earlier(upstream.name, cluster, now);
    explain(upstream.name, cluster);
  }
  // What they have said stays until their upstream goes, or comes back with sources of its own.
  for (auto& [name, cluster] : clusters_) {
    if (names.contains(name)) continue;
    for (const auto& followed : std::exchange(cluster.sources, {}))
      cluster.earlier.push_back(earlier_of(*followed, now));
  }
}

Discovery::Earlier Discovery::earlier_of(const Followed& followed, TimePoint now) {
  return {followed.number, followed.fault.empty() ? now : followed.failing, followed.stale, followed.spoken};
}

void Discovery::open(const std::string& upstream, Cluster& cluster, const SourceSettings& settings,
                     TimePoint now) {
  auto followed = std::make_unique<Followed>();
  followed->settings = settings;
  followed->number = ++last_number_;
  followed->fresh = now;
  upstream::SourceEvents events;
  const auto number = followed->number;
  events.update = [this, upstream, number](const upstream::DiscoveryUpdate& update) {
    updated(upstream, number, update);
  };
  events.confirm = [this, upstream, number] { confirmed(upstream, number); };
  events.fail = [this, upstream, number](std::string why) { failed(upstream, number, std::move(why)); };
  events.warn = [this, upstream](const std::string& sentence) {
    auto& warned = clusters_[upstream].warned;
    if (warned.size() < kMostWarnings && warned.insert(sentence).second)
      log_->warn("upstream {}: {}", upstream, sentence);
  };
  auto& placed = *cluster.sources.emplace_back(std::move(followed));
  try {
    placed.source = open_(settings, std::move(events));
  } catch (const std::exception& error) {
    failed(upstream, number, error.what());
  }
}

void Discovery::inherit(const std::string& upstream, std::vector<upstream::DiscoveredEndpoint> endpoints,
                        TimePoint now) {
  const auto found = clusters_.find(upstream);
  if (found == clusters_.end() || found->second.all_have_spoken()) return;
  const auto number = ++last_number_;
  found->second.earlier.push_back({number, now, false, true});
  registry_.discover(upstream, number, upstream::Reset{std::move(endpoints), {}}, now);
}

// === what sources tell ===

Discovery::Followed* Discovery::find(const std::string& upstream, SourceNumber number) {
  const auto cluster = clusters_.find(upstream);
  if (cluster == clusters_.end()) return nullptr;
  const auto found = std::ranges::find(cluster->second.sources, number,
                                       [](const auto& followed) { return followed->number; });
  return found == cluster->second.sources.end() ? nullptr : found->get();
}

void Discovery::updated(const std::string& upstream, SourceNumber number,
                        const upstream::DiscoveryUpdate& update) {
  auto* const followed = find(upstream, number);
  if (followed == nullptr) return;
  const auto now = upstream::Clock::now();
  ++followed->updates;
  refresh(upstream, *followed, now);
  registry_.discover(upstream, number, update, now);
  if (!std::exchange(followed->spoken, true)) part_from_earlier(upstream, clusters_[upstream], now);
  explain(upstream, clusters_[upstream]);
}

void Discovery::confirmed(const std::string& upstream, SourceNumber number) {
  auto* const followed = find(upstream, number);
  if (followed != nullptr && followed->spoken) refresh(upstream, *followed, upstream::Clock::now());
}

void Discovery::failed(const std::string& upstream, SourceNumber number, std::string why) {
  auto* const followed = find(upstream, number);
  if (followed == nullptr) return;
  const auto now = upstream::Clock::now();
  ++followed->failures;
  if (followed->fault.empty()) followed->failing = now;
  // One that goes on is told again now and then, another one soon.
  const auto pause = why == followed->fault ? kTellAgain : kTellChange;
  if (followed->fault.empty() || now >= followed->said + pause) {
    followed->said = now;
    log_->warn("upstream {}: {}: {}; {}", upstream, followed->settings.text(), why,
               followed->spoken ? "what it said last stays in force" : "it has told no endpoints yet");
  }
  followed->fault = std::move(why);
  explain(upstream, clusters_[upstream]);
}

void Discovery::refresh(const std::string& upstream, Followed& followed, TimePoint now) {
  followed.fresh = now;
  if (!std::exchange(followed.fault, {}).empty())
    log_->info("upstream {}: {} can be asked again", upstream, followed.settings.text());
  if (std::exchange(followed.stale, false))
    registry_.set_stale(upstream, followed.number, false, followed.settings.text() + " can be asked again",
                        now);
}

void Discovery::part_from_earlier(const std::string& upstream, Cluster& cluster, TimePoint now) {
  if (!cluster.all_have_spoken()) return;
  for (const auto& earlier : std::exchange(cluster.earlier, {}))
    registry_.withdraw_source(upstream, earlier.number,
                              "no longer configured, or not told by the sources that are", now);
}

void Discovery::look(TimePoint now) {
  std::erase_if(clusters_, [&](const auto& entry) {
    return entry.second.sources.empty() && registry_.view(entry.first) == nullptr;
  });
  for (auto& [upstream, cluster] : clusters_) {
    const auto keep = cluster.keep;
    const auto is_old = [&](TimePoint since) { return keep.count() > 0 && now >= since + keep; };
    const auto until = conf::duration_text(keep) + " (keepEndpoints)";
    for (const auto& followed : cluster.sources) {
      const bool old = followed->spoken && !followed->fault.empty() && is_old(followed->failing);
      if (old == std::exchange(followed->stale, old)) continue;
      const auto why =
          followed->settings.text() + " could not be asked for " + until + ": " + followed->fault;
      set_stale(upstream, followed->number, old ? why : std::string(), now);
    }
    if (cluster.sources.empty()) continue;  // it goes, with all that it has
    for (auto& earlier : cluster.earlier) {
      const bool old = earlier.spoken && is_old(earlier.since);
      if (old == std::exchange(earlier.stale, old)) continue;
      const auto why = "only a source that is followed no more has it, since " + until;
      set_stale(upstream, earlier.number, old ? why : std::string(), now);
    }
  }
}

// `why` is empty where keepEndpoints has become longer.
void Discovery::set_stale(const std::string& upstream, SourceNumber number, const std::string& why,
                          TimePoint now) {
  const bool stale = !why.empty();
  if (stale) log_->error("upstream {}: nothing new goes there: {}", upstream, why);
  registry_.set_stale(upstream, number, stale, stale ? why : "keepEndpoints is longer now", now);
}

// For those who find no endpoint.
void Discovery::explain(const std::string& upstream, const Cluster& cluster) {
  auto absence = std::make_shared<upstream::Absence>();
  for (const auto& followed : cluster.sources) {
    const auto text = followed->settings.text();
    absence->unresolved = absence->unresolved || (!followed->spoken && followed->settings.is_name());
    absence->why += (absence->why.empty() ? "" : "; ") + text + ": ";
    absence->why += !followed->fault.empty() ? followed->fault
                    : followed->spoken       ? "has no endpoints"
                                             : "has not answered yet";
  }
  registry_.explain_absence(upstream, cluster.sources.empty() ? nullptr : std::move(absence));
}

// === for others ===

bool Discovery::awaits_first_word() const {
  for (const auto& [upstream, cluster] : clusters_) {
    for (const auto& followed : cluster.sources)
      if (!followed->spoken && followed->failures == 0) return true;
  }
  return false;
}

bool Discovery::follows(std::string_view upstream) const {
  const auto found = clusters_.find(upstream);
  return found != clusters_.end() && !found->second.sources.empty();
}

std::vector<SourceReport> Discovery::report(TimePoint now) const {
  std::vector<SourceReport> reports;
  for (const auto& [upstream, cluster] : clusters_) {
    for (const auto& followed : cluster.sources) {
      const auto age = std::chrono::duration<double>(now - followed->fresh).count();
      reports.push_back({upstream, followed->settings.text(), followed->spoken, followed->fault,
                         std::max(age, 0.0), followed->stale, followed->updates, followed->failures});
    }
  }
  return reports;
}

}  // namespace tidegate::gateway
