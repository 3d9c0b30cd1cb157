#include "upstream/discovery/dns/service_follower.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "upstream/discovery/dns/address_follower.hpp"
#include "upstream/discovery/dns/names.hpp"
#include "upstream/discovery/dns/sentences.hpp"

namespace tidegate::upstream::dns {

ServiceFollower::ServiceFollower(std::shared_ptr<Resolver> resolver, Target target, SourceEvents events)
    : resolver_(std::move(resolver)),
      target_(std::move(target)),
      announcer_(std::make_shared<Announcer>(target_.what.name, std::move(events))) {}

void ServiceFollower::begin() {
  const auto hear = [weak = weak_from_this()](const Finding& finding) {
    if (const auto self = weak.lock()) self->hear(finding);
  };
  watch_ = std::make_shared<NameWatch>(resolver_, target_.what.name, std::vector{RecordType::srv}, hear);
  watch_->begin();
}

void ServiceFollower::end() {
  announcer_->end();
  watch_.reset();
  hosts_.clear();
}

void ServiceFollower::hear(const Finding& finding) {
  auto fault = fault_of(watch_->question(), finding);
  renewed_ = finding.has_records();
  if (finding.has_records()) {
    services_ = finding.answers.front().services;
    follow_targets();
    warn_of(services_);
  }
  announce(std::move(fault));
}

void ServiceFollower::hear_of(const std::string& target, const Finding& finding) {
  const auto found = hosts_.find(target);
  if (found == hosts_.end()) return;
  auto& host = found->second;
  const auto question = host.watch->question();
  memories_[target].take(finding, question.types);
  auto fault = fault_of(question, finding);
  host.heard = true;
  host.renewed = finding.has_records();
  announce(std::move(fault));
}

// Begins to ask for targets that are new, and forgets those that are gone.
void ServiceFollower::follow_targets() {
  std::set<std::string, std::less<>> targets;
  for (const auto& record : services_) {
    if (targets.size() < kMostTargets) targets.insert(record.target);
  }
  const auto is_gone = [&targets](const auto& entry) { return !targets.contains(entry.first); };
  std::erase_if(hosts_, is_gone);
  std::erase_if(memories_, is_gone);
  for (const auto& target : targets) {
    auto& host = hosts_[target];
    if (host.watch) continue;
    const auto hear = [weak = weak_from_this(), target](const Finding& finding) {
      if (const auto self = weak.lock()) self->hear_of(target, finding);
    };
    // A target is absolute (RFC 2782).
    host.watch =
        std::make_shared<NameWatch>(resolver_, target + ".", types_of(resolver_->settings().family), hear);
    host.watch->begin();
  }
}

void ServiceFollower::announce(std::string fault) {
  News news;
  const auto is_heard = [](const auto& entry) { return entry.second.heard; };
  const auto is_renewed = [](const auto& entry) { return entry.second.renewed; };
  const bool complete = std::ranges::all_of(hosts_, is_heard);
  if (complete) news.endpoints = endpoints_of(services_, memories_);
  news.renewed = complete && renewed_ && std::ranges::any_of(hosts_, is_renewed);
  news.fault = std::move(fault);
  const bool cut = news.endpoints.size() >= most_endpoints;
  announcer_->announce(std::move(news));
  if (cut && !std::exchange(cut_, true))
    announcer_->warn("the SRV records of " + target_.what.name + " stand for " +
                     std::to_string(most_endpoints) + " endpoints and more: the others are left out");
}

// The SRV records of a Service that has a ClusterIP name the Service itself, those of a headless one its
// pods.
void ServiceFollower::warn_of(const std::vector<ServiceRecord>& services) {
  if (warned_) return;
  const auto names_itself = [](const ServiceRecord& record) { return is_service_name(record.target); };
  if (!target_.is_virtual && services.size() == 1 && names_itself(services.front())) {
    warned_ = true;
    announcer_->warn(cluster_ip_warning(target_.what.name, services.front().target));
  } else if (services.size() > kMostTargets && hosts_.size() == kMostTargets) {
    warned_ = true;
    announcer_->warn("the SRV records of " + target_.what.name + " name more than " +
                     std::to_string(kMostTargets) + " targets: the others are left out");
  }
}

}  // namespace tidegate::upstream::dns
