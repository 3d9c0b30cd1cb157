#include "upstream/discovery/dns/address_follower.hpp"

#include <algorithm>
#include <utility>

#include "upstream/discovery/dns/names.hpp"
#include "upstream/discovery/dns/sentences.hpp"

namespace tidegate::upstream::dns {

std::vector<RecordType> types_of(conf::AddressFamily family) {
  if (family == conf::AddressFamily::ipv4) return {RecordType::a};
  if (family == conf::AddressFamily::ipv6) return {RecordType::aaaa};
  return {RecordType::a, RecordType::aaaa};
}

AddressFollower::AddressFollower(std::shared_ptr<Resolver> resolver, Target target, SourceEvents events)
    : resolver_(std::move(resolver)),
      target_(std::move(target)),
      announcer_(std::make_shared<Announcer>(target_.what.name, std::move(events))) {}

void AddressFollower::begin() {
  const auto hear = [weak = weak_from_this()](const Finding& finding) {
    if (const auto self = weak.lock()) self->hear(finding);
  };
  watch_ =
      std::make_shared<NameWatch>(resolver_, target_.what.name, types_of(resolver_->settings().family), hear);
  watch_->begin();
}

void AddressFollower::end() {
  announcer_->end();
  watch_.reset();
}

void AddressFollower::hear(const Finding& finding) {
  const auto question = watch_->question();
  host_.take(finding, question.types);
  announcer_->announce({endpoints_of(target_, host_), fault_of(question, finding), finding.has_records()});
  if (!announcer_->has_ended()) ask_for_service();
}

// CoreDNS and kube-dns give the address of a ClusterIP back as the name of the Service, and that of a pod as
// a name below it; a server that knows no such names decides nothing.
void AddressFollower::ask_for_service() {
  if (target_.is_virtual || warned_ || judging_ || !host_.is_single() || !is_service_name(host_.name()))
    return;
  auto address = host_.addresses().front();
  if (address == judged_) return;
  judging_ = true;
  auto name = reverse_name(address);
  resolver_->ask(std::move(name), RecordType::ptr,
                 [weak = weak_from_this(), address = std::move(address)](const Answer& answer) {
                   if (const auto self = weak.lock()) self->hear_of_service(address, answer);
                 });
}

void AddressFollower::hear_of_service(const std::string& address, const Answer& answer) {
  judging_ = false;
  if (answer.kind == AnswerKind::failed || answer.kind == AnswerKind::unanswered) return;
  judged_ = address;
  if (std::ranges::find(answer.names, host_.name()) == answer.names.end()) return;
  warned_ = true;
  announcer_->warn(cluster_ip_warning(target_.what.name, address));
}

}  // namespace tidegate::upstream::dns
