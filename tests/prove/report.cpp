#include "tests/prove/report.hpp"

#include <algorithm>
#include <cstdio>
#include <iomanip>
#include <sstream>

#include <unistd.h>

namespace tidegate::prove {

namespace {

using Clock = std::chrono::steady_clock;

std::string milliseconds_text(std::chrono::microseconds time) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(1) << static_cast<double>(time.count()) / 1000.0 << " ms";
  return out.str();
}

// Rows of a name and a value, the names in a column of fixed width.
class Rows {
 public:
  template <class Value>
  void add(std::string_view name, const Value& value) {
    out_ << "  " << std::left << std::setw(40) << name << value << "\n";
  }
  void add(std::string_view name, std::uint64_t part, std::uint64_t whole) {
    std::ostringstream value;
    value << part;
    if (part > 0 && whole > 0) {
      value << "  (" << std::fixed << std::setprecision(2)
            << 100.0 * static_cast<double>(part) / static_cast<double>(whole) << " %)";
    }
    add(name, value.str());
  }
  [[nodiscard]] std::string text() const { return out_.str(); }

 private:
  std::ostringstream out_;
};

void add_handshakes(Rows& rows, const Tally& tally) {
  rows.add("handshakes", tally.handshakes);
  rows.add("  101", tally.switched, tally.handshakes);
  for (const auto& [status, count] : tally.statuses) {
    rows.add("  " + std::to_string(status), count, tally.handshakes);
  }
  for (const auto kind :
       {NoAnswer::refused, NoAnswer::reset, NoAnswer::timeout, NoAnswer::eof, NoAnswer::other}) {
    const auto found = tally.unanswered.find(kind);
    const std::uint64_t count = found == tally.unanswered.end() ? 0 : found->second;
    const bool always = kind != NoAnswer::eof && kind != NoAnswer::other;
    if (always || count > 0) rows.add("  " + std::string(text(kind)), count, tally.handshakes);
  }
  rows.add("  p50 / p99 / max", milliseconds_text(tally.time_at(0.5)) + " / " +
                                    milliseconds_text(tally.time_at(0.99)) + " / " +
                                    milliseconds_text(tally.time_at(1.0)));
}

void add_sockets(Rows& rows, const Tally& tally) {
  rows.add("messages sent", tally.sent);
  rows.add("  echoed", tally.echoed);
  rows.add("  ended by a proper Close first", tally.cut_short);
  rows.add("sockets closed by the client", tally.closed_by_us);
  for (const auto& [code, count] : tally.closes) {
    const auto name = code == 1005 ? std::string("  closed without a code (1005)")
                                   : "  closed from behind with " + std::to_string(code);
    rows.add(name, count);
  }
  rows.add("sockets lost", tally.lost_sockets(), tally.switched);
  for (const auto& [loss, count] : tally.losses) rows.add("  " + std::string(text(loss)), count);
}

}  // namespace

bool RunResult::passed() const {
  return (!tally || tally->flawless()) &&
         std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.holds; });
}

std::string headline(const Options& options) {
  std::ostringstream out;
  out << options.clients << (options.k6 ? " clients of k6, " : " clients, ");
  if (options.trial() != Trial::drain && options.trial() != Trial::reload)
    out << options.time.count() << " s, ";
  out << "via " << text(options.via) << (options.single ? " and one service address" : "");
  if (!options.retry) out << ", retry off";
  if (!options.hold) out << ", hold off";
  switch (options.trial()) {
    case Trial::rollout:
      out << "; 3 pods, each restarted twice"
          << (options.restarts == Restarts::kill       ? " by SIGKILL"
              : options.restarts == Restarts::graceful ? " gracefully"
                                                       : ", gracefully and by SIGKILL");
      if (options.all_down) out << ", all down for 2 s";
      break;
    case Trial::unready:
      out << "; /ready says 503 everywhere for " << options.unready->count() << " s";
      break;
    case Trial::drain:
      out << "; 3 pods, each drained over " << options.window.count() << " s, restarted and put back";
      break;
    case Trial::soketi:
      out << " from one address; 3 pods, each restarted once as Soketi leaves (new sockets get a 101 "
             "and then 4200), /ready probed every 10 s; "
          << text(options.signs);
      break;
    case Trial::kubernetes:
      out << "; 3 pods, each restarted twice: its slice says `terminating` in the moment of SIGTERM, there "
             "is no "
             "preStop, and it takes sockets for some seconds more";
      break;
    case Trial::reload: out << "; " << options.reloads << " reloads, five in a second"; break;
    case Trial::capacity: out << "; at most " << *options.max_connections << " sockets per pod"; break;
  }
  return out.str();
}

std::string table(const RunResult& result) {
  Rows rows;
  if (result.tally) {
    add_handshakes(rows, *result.tally);
    add_sockets(rows, *result.tally);
  }
  rows.add("pods restarted", result.restarts);
  if (result.hidden) {
    for (const auto& [name, count] : *result.hidden) rows.add("hidden by the gateway: " + name, count);
    if (result.hidden->empty()) rows.add("hidden by the gateway", "not in its metrics");
  }
  rows.add("processor time of the hop", milliseconds_text(result.hop_time));
  std::string text = rows.text();
  for (const auto& check : result.checks)
    text += std::string(check.holds ? "  yes: " : "  NO:  ") + check.what + "\n";
  if (result.tally && !result.tally->samples.empty()) {
    text += "  the first failures:\n";
    for (const auto& sample : result.tally->samples) text += "    " + sample + "\n";
  }
  return text;
}

std::string summary(const Options& options, const std::vector<RunResult>& results) {
  std::uint64_t handshakes = 0;
  std::uint64_t failed = 0;
  std::uint64_t lost = 0;
  for (const auto& result : results) {
    if (!result.tally) continue;
    handshakes += result.tally->handshakes;
    failed += result.tally->failed_handshakes();
    lost += result.tally->lost_sockets();
  }
  const auto passed =
      std::count_if(results.begin(), results.end(), [](const RunResult& result) { return result.passed(); });
  const bool all = static_cast<std::size_t>(passed) == results.size();
  std::ostringstream out;
  out << (all ? "PASSED" : "FAILED") << " via " << text(options.via) << (options.single ? " --single" : "")
      << ": ";
  if (results.size() > 1) out << passed << " of " << results.size() << " runs; ";
  if (!options.k6) {
    out << failed << " of " << handshakes << " handshakes failed, " << lost << " sockets lost";
  }
  out << "\n";
  return out.str();
}

Progress::Progress(std::chrono::seconds total) : total_(total), terminal_(::isatty(STDOUT_FILENO) == 1) {}

double Progress::elapsed() const {
  return std::chrono::duration<double>(Clock::now() - began_).count();
}

void Progress::event(const std::string& what) {
  last_event_ = what;
  if (terminal_) return;
  std::printf("  %5.1f s  %s\n", elapsed(), what.c_str());
  std::fflush(stdout);
}

void Progress::show(const Tally& tally) {
  if (!terminal_ && Clock::now() < next_) return;
  next_ = Clock::now() + std::chrono::seconds(5);
  std::printf("%s  %5.1f/%lld s  %llu open  %llu handshakes  %llu failed  %llu lost  %s%s",
              terminal_ ? "\r\033[K" : "", elapsed(), static_cast<long long>(total_.count()),
              static_cast<unsigned long long>(tally.open), static_cast<unsigned long long>(tally.handshakes),
              static_cast<unsigned long long>(tally.failed_handshakes()),
              static_cast<unsigned long long>(tally.lost_sockets()), terminal_ ? last_event_.c_str() : "",
              terminal_ ? "" : "\n");
  std::fflush(stdout);
}

void Progress::clear() const {
  if (!terminal_) return;
  std::printf("\r\033[K");
  std::fflush(stdout);
}

}  // namespace tidegate::prove
