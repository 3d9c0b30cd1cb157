#include "gateway/observe/escape.hpp"
#include "gateway/observe/failure_log.hpp"
#include "gateway/observe/timestamp.hpp"
#include "upstream/discovery/source.hpp"
#include "upstream/registry.hpp"

namespace tidegate::gateway {

namespace {

void append_client(std::string& out, const AccessRecord& record) {
  if (record.client_address.empty()) return;
  const bool bracketed = record.client_port != 0 && record.client_address.find(':') != std::string_view::npos;
  out += " client=";
  if (bracketed) out += '[';
  append_log_escaped(out, record.client_address);
  if (bracketed) out += ']';
  if (record.client_port == 0) return;
  out += ':';
  out += std::to_string(record.client_port);
}

// `10.0.0.1:6001 refused after 0.001`
void append_attempt(std::string& out, const Attempt& attempt) {
  append_log_escaped(out, attempt.endpoint);
  out += ' ';
  out += name_of(attempt.outcome);
  if (attempt.status != 0) {
    out += ' ';
    out += std::to_string(attempt.status);
  }
  if (attempt.reused) out += " reused";
  out += " after ";
  append_seconds(out, attempt.total);
}

void append_attempts(std::string& out, const AttemptList& attempts) {
  if (attempts.total() == 0) return;
  out += " attempts=[";
  const auto kept = attempts.kept();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i > 0) out += ", ";
    if (i == AttemptList::capacity / 2 && attempts.omitted() > 0) {
      out += std::to_string(attempts.omitted());
      out += " more, ";
    }
    append_attempt(out, kept[i]);
  }
  out += ']';
}

// `endpoint soketi/pod-0 10.0.0.1:6001: `
std::string name_in_log(const upstream::Endpoint& endpoint, std::string_view cluster) {
  std::string line = "endpoint ";
  append_log_escaped(line, cluster);
  line += '/';
  append_log_escaped(line, endpoint.name());
  if (endpoint.name() != endpoint.address_text()) {
    line += ' ';
    line += endpoint.address_text();
  }
  line += ": ";
  return line;
}

}  // namespace

void append_failure_line(std::string& out, const AccessRecord& record) {
  const auto& reason = describe(record.failure);
  out += std::to_string(record.status);
  out += ' ';
  out += reason.name;
  out += " (";
  out += reason.phrase;
  if (!record.failure_details.empty()) {
    out += ": ";
    append_log_escaped(out, record.failure_details);
  }
  out += ") \"";
  append_log_escaped(out, record.method);
  if (!record.target.empty()) {
    out += ' ';
    append_log_escaped(out, record.target);
  }
  out += '"';
  append_log_pair(out, "host", record.host);
  append_client(out, record);
  append_log_pair(out, "id", record.request_id);
  if (record.route.empty()) append_log_pair(out, "listener", record.server_address);
  append_log_pair(out, "route", record.route);
  append_log_pair(out, "limit", record.limit);
  append_log_pair(out, "upstream", record.upstream);
  append_attempts(out, record.attempts);
  if (record.hold_time.count() > 0) {
    out += " hold=";
    append_seconds(out, record.hold_time);
  }
  out += " time=";
  append_seconds(out, record.request_time);
}

std::string state_line(const upstream::Endpoint& endpoint, std::string_view cluster,
                       const upstream::Transition& transition) {
  auto line = name_in_log(endpoint, cluster);
  line += name_of(transition.from);
  line += " -> ";
  line += name_of(transition.to);
  line += " (";
  append_log_escaped(line, transition.cause);
  line += ") at ";
  append_rfc3339(line, transition.wall_time);
  return line;
}

std::string sockets_line(const upstream::Endpoint& endpoint, std::string_view cluster,
                         std::string_view cause) {
  auto line = name_in_log(endpoint, cluster);
  line += endpoint.takes_new_sockets() ? "takes new sockets (" : "takes no new sockets (";
  append_log_escaped(line, cause);
  line += ')';
  return line;
}

std::string shared_address_line(const upstream::Endpoint& endpoint, std::string_view cluster,
                                std::string_view names) {
  auto line = name_in_log(endpoint, cluster);
  line += "answers probes as several pods (";
  append_log_escaped(line, names);
  line += "): ";
  line += upstream::advice_for_shared_address;
  return line;
}

}  // namespace tidegate::gateway
