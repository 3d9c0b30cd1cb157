#include "upstream/discovery/dns/sentences.hpp"

#include <algorithm>
#include <unordered_set>

#include "conf/units.hpp"

namespace tidegate::upstream::dns {
namespace {

bool is_fault(const Answer& answer) {
  return answer.kind == AnswerKind::failed || answer.kind == AnswerKind::unanswered;
}

std::string types_text(const std::vector<RecordType>& types, std::string_view between) {
  std::string text;
  for (const auto type : types) text += (text.empty() ? "" : std::string(between)) + text_of(type);
  return text;
}

std::string absent_text(const Question& question, const Finding& finding) {
  const auto exists = std::ranges::find(finding.answers, AnswerKind::no_records, &Answer::kind);
  if (exists == finding.answers.end()) {
    return "does not exist (NXDOMAIN from " + question.servers +
           "): is it written as it is meant, and completed by the right search list?";
  }
  if (question.types == std::vector{RecordType::srv}) {
    return exists->why.starts_with("says ") ? exists->why : "has no SRV record: is it `_PORT._tcp.NAME`?";
  }
  return "has no address (neither " + types_text(question.types, " nor ") +
         " record): a headless Service has none while no pod of it is ready";
}

// The answers that fail, those with the same reason together.
std::string failures_text(const Question& question, const Finding& finding) {
  std::vector<RecordType> failed;
  std::string why;
  for (std::size_t index = 0; index < finding.answers.size(); ++index) {
    const auto& answer = finding.answers[index];
    if (!is_fault(answer)) continue;
    failed.push_back(question.types[index]);
    if (why.find(answer.why) == std::string::npos) why += (why.empty() ? "" : "; ") + answer.why;
  }
  return types_text(failed, " and ") + ": " + why + " from " + question.servers +
         ": can they be reached from here, and do they know this name?";
}

}  // namespace

std::string fault_of(const Question& question, const Finding& finding) {
  const auto subject = "DNS: " + conf::quote(question.name) + " ";
  const bool renamed = finding.name != question.name && finding.name + "." != question.name;
  const auto completed = renamed ? "(" + finding.name + ") " : std::string();
  if (finding.is_absent()) return subject + completed + absent_text(question, finding);
  if (std::ranges::any_of(finding.answers, is_fault)) {
    return subject + completed + failures_text(question, finding);
  }
  return {};
}

std::string cause_of_leaving(const std::string& name, const std::vector<DiscoveredEndpoint>& before,
                             const std::vector<DiscoveredEndpoint>& after) {
  std::unordered_set<std::string> left;
  for (const auto& endpoint : after) left.insert(endpoint.address.text());
  std::vector<std::string> gone;
  for (const auto& endpoint : before)
    if (!left.contains(endpoint.address.text())) gone.push_back(endpoint.address.host);
  auto answer = "the DNS answer for " + name;
  if (gone.empty()) return answer;
  if (gone.size() == 1) return gone.front() + " is no longer in " + answer;
  return gone.front() + " and " + std::to_string(gone.size() - 1) + " more are no longer in " + answer;
}

std::string cluster_ip_warning(const std::string& name, const std::string& address) {
  return conf::quote(name) + " is a Kubernetes Service with one address, " + address +
         ", for all of its pods: " + std::string(advice_for_shared_address);
}

}  // namespace tidegate::upstream::dns
