#include "upstream/socket_intake.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace tidegate::upstream {

std::string_view name_of(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::readiness: return "readinessProbe";
    case ProbeKind::new_socket: return "newSocketProbe";
    case ProbeKind::websocket: return "webSocketProbe";
  }
  return "unknown";
}

const std::optional<conf::Probe>& probe_of(const conf::Upstream& settings, ProbeKind kind) {
  switch (kind) {
    case ProbeKind::readiness: return settings.probe;
    case ProbeKind::new_socket: return settings.new_socket_probe;
    case ProbeKind::websocket: return settings.websocket_probe;
  }
  return settings.probe;
}

bool has_socket_probes(const conf::Upstream& settings) {
  return settings.new_socket_probe.has_value() || settings.websocket_probe.has_value();
}

void SocketIntake::configure(const conf::Upstream& settings, bool holds) {
  virtual_address_ = settings.virtual_address;
  for (const auto kind : socket_probes) {
    auto& word = words_[index_of(kind)];
    const bool configured = probe_of(settings, kind).has_value();
    if (configured == word.configured) continue;
    word = {configured, configured && holds ? Verdict::pass : Verdict::unknown, {}};
  }
}

bool SocketIntake::report(ProbeKind kind, Verdict verdict, std::string cause) {
  assert(kind != ProbeKind::readiness);
  auto& word = words_[index_of(kind)];
  if (!word.configured) return false;
  const bool was_open = open();
  const bool changed = word.verdict != verdict;
  word.verdict = verdict;
  word.cause = std::move(cause);
  return !virtual_address_ && (open() != was_open || (changed && verdict == Verdict::fail));
}

void SocketIntake::forget() {
  for (auto& word : words_) {
    word.verdict = Verdict::unknown;
    word.cause.clear();
  }
}

bool SocketIntake::open() const {
  return virtual_address_ || std::ranges::all_of(words_, [](const Word& word) {
           return !word.configured || word.verdict == Verdict::pass;
         });
}

bool SocketIntake::awaits_word() const {
  const auto says = [](Verdict verdict) {
    return [verdict](const Word& word) { return word.configured && word.verdict == verdict; };
  };
  return !virtual_address_ && std::ranges::any_of(words_, says(Verdict::unknown)) &&
         std::ranges::none_of(words_, says(Verdict::fail));
}

std::string SocketIntake::objections() const {
  std::string text;
  for (const auto kind : socket_probes) {
    const auto& word = words_[index_of(kind)];
    if (!word.configured || word.verdict == Verdict::pass) continue;
    if (!text.empty()) text += "; ";
    text.append(name_of(kind)).append(": ");
    text.append(word.verdict == Verdict::fail ? std::string_view(word.cause) : "no answer yet");
  }
  return text;
}

}  // namespace tidegate::upstream
