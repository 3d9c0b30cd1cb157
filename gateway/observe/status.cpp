#include "gateway/observe/status.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "gateway/observe/timestamp.hpp"

namespace tidegate::gateway {
namespace {

constexpr std::size_t kMostListed = 20;  // endpoints of one upstream that are not ready, or shut

// All endpoints of one upstream.
struct Group {
  std::int64_t tunnels = 0;
  std::int64_t waiting = 0;
  bool configured = false;
  std::int64_t active = 0;
  std::size_t ready = 0;
  std::size_t shut = 0;  // of these, to new WebSockets
  std::size_t all = 0;
  std::vector<const SourceReport*> sources;
  std::vector<const upstream::EndpointReport*> others;  // that are not ready, or shut
};

std::string in_force_since(const Status& status) {
  std::string text;
  append_rfc3339(text, std::chrono::system_clock::from_time_t(status.reloads.last_success_at));
  return text;
}

std::string counted(std::int64_t count, const std::string& one, const std::string& many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::map<std::string, Group> groups_of(const Status& status) {
  std::map<std::string, Group> groups;
  for (const auto& upstream : status.upstreams) {
    auto& row = groups[upstream.name];
    row.configured = true;
    row.tunnels = upstream.tunnels;
    row.waiting = upstream.waiting;
  }
  for (const auto& source : status.sources) groups[source.upstream].sources.push_back(&source);
  for (const auto& endpoint : status.endpoints) {
    auto& row = groups[endpoint.cluster];
    ++row.all;
    row.active += endpoint.active;
    const bool ready = endpoint.state == upstream::EndpointState::ready;
    const bool shut = ready && !endpoint.sockets.open();
    if (ready) ++row.ready;
    if (shut) ++row.shut;
    if (!ready || shut) row.others.push_back(&endpoint);
  }
  return groups;
}

std::string line_of(const upstream::EndpointReport& endpoint) {
  auto line = "  " + endpoint.address;
  if (endpoint.name != endpoint.address) line += " (" + endpoint.name + ")";
  line.append(" ").append(name_of(endpoint.state));
  if (endpoint.state == upstream::EndpointState::ready)
    return line + ", but takes no new WebSockets: " + endpoint.sockets.objections() + "\n";
  line += " since ";
  append_rfc3339(line, endpoint.last.wall_time);
  if (!endpoint.last.cause.empty()) line += ": " + endpoint.last.cause;
  return line + "\n";
}

// Empty of a source that is as it should be; `alone`: there is no endpoint at all.
std::string line_of(const SourceReport& source, bool alone) {
  const auto line = "  " + source.source;
  if (!source.fault.empty())
    return line + " fails: " + source.fault +
           (!source.spoken ? "; it has told no endpoints yet\n"
            : source.stale ? "; that lasts for longer than keepEndpoints\n"
                           : "; what it said last stays\n");
  if (!source.spoken) return line + " has not answered yet\n";
  return alone ? line + " has no endpoints\n" : std::string();
}

std::string lines_of(const std::string& name, const Group& group) {
  auto lines = name + (group.configured ? ": " : " (removed): ") + std::to_string(group.ready) + " of " +
               counted(static_cast<std::int64_t>(group.all), "endpoint", "endpoints") + " ready, " +
               (group.shut > 0 ? std::to_string(group.shut) + " of them shut to new WebSockets, " : "") +
               counted(group.active, "request or WebSocket", "requests and WebSockets") + " in progress";
  if (group.tunnels > 0) lines += " (" + counted(group.tunnels, "WebSocket", "WebSockets") + ")";
  if (group.waiting > 0) lines += ", " + std::to_string(group.waiting) + " held until one is ready";
  lines += "\n";
  for (const auto* const source : group.sources) lines += line_of(*source, group.all == 0);
  const auto listed = std::min(group.others.size(), kMostListed);
  for (std::size_t i = 0; i < listed; ++i) lines += line_of(*group.others[i]);
  if (listed < group.others.size())
    lines += "  and " + std::to_string(group.others.size() - listed) + " more; /endpoints lists them all\n";
  return lines;
}

std::string configuration_line(const Status& status) {
  const auto& reloads = status.reloads;
  auto line = "configuration in force since " + in_force_since(status);
  if (reloads.last_succeeded) return line + (reloads.succeeded > 0 ? ", by a reload\n" : ", the start\n");
  line += "; the last reload failed:\n";
  for (std::size_t at = 0; at < status.reload_fault.size();) {
    const auto end = std::min(status.reload_fault.find('\n', at), status.reload_fault.size());
    line.append("  ").append(status.reload_fault, at, end - at).append("\n");
    at = end + 1;
  }
  return line;
}

boost::json::object to_json(const UpstreamStatus& upstream) {
  return {{"name", upstream.name}, {"tunnels", upstream.tunnels}, {"waiting", upstream.waiting}};
}

boost::json::object reload_json(const Status& status) {
  return {
      {"succeeded", status.reloads.succeeded},
      {"failed", status.reloads.failed},
      {"lastSucceeded", status.reloads.last_succeeded},
      {"inForceSince", in_force_since(status)},
      {"fault", status.reload_fault},
  };
}

}  // namespace

std::string status_text(const Status& status) {
  auto text = "tidegate " + std::string(status.version) +
              (status.ready ? ": ready\n" : ": not ready: " + status.why + "\n");
  text += counted(static_cast<std::int64_t>(status.workers), "worker", "workers") + ", " +
          counted(status.requests, "request", "requests") + " and " +
          counted(status.tunnels, "WebSocket", "WebSockets") + " in progress\n";
  text += configuration_line(status);
  for (const auto& [name, row] : groups_of(status)) text += lines_of(name, row);
  return text;
}

std::string status_json(const Status& status, std::string_view endpoints_page) {
  const auto page = boost::json::parse({endpoints_page.data(), endpoints_page.size()});
  boost::json::object object{
      {"version", status.version},     {"ready", status.ready},       {"why", status.why},
      {"workers", status.workers},     {"requests", status.requests}, {"tunnels", status.tunnels},
      {"reload", reload_json(status)},
  };
  boost::json::array upstreams;
  for (const auto& upstream : status.upstreams) upstreams.push_back(to_json(upstream));
  object["upstreams"] = std::move(upstreams);
  for (const auto& member : page.as_object()) object[member.key()] = member.value();
  return boost::json::serialize(object) + "\n";
}

}  // namespace tidegate::gateway
