#include "tests/prove/options.hpp"

#include <map>

#include <CLI/CLI.hpp>

#include "tests/prove/programs.hpp"

namespace tidegate::prove {

namespace {

constexpr int default_reloads = 50;
constexpr int soketi_clients = 300;
constexpr std::chrono::seconds soketi_time{15};

constexpr const char* examples =
    "Examples:\n"
    "  tidegate-prove                          1,000 clients, 30 s, pods restarted twice round\n"
    "  tidegate-prove --via nginx --single     the same through nginx and one Service-like address\n"
    "  tidegate-prove --all-down --runs 10     all pods gone for 2 s in the middle, ten times\n"
    "  tidegate-prove --unready 5              /ready says 503 everywhere for 5 s under open sockets\n"
    "  tidegate-prove --max-connections 100    no pod may ever count 101\n"
    "  tidegate-prove --drain                  pods drained and restarted in turn: every socket gets its "
    "Close\n"
    "  tidegate-prove --kubernetes             pods terminate as Kubernetes does it, with no preStop at all\n"
    "  tidegate-prove --soketi                 pods that take sockets to send them away: nobody sees it, and "
    "how\n"
    "                                          many do without the preset\n"
    "  tidegate-prove --reload                 50 new configurations in 10 s: nobody notices\n"
    "Exit status: 0 nothing failed; 1 something did; 2 wrong use; 77 something needed is missing here.";

void add_load_options(CLI::App& app, Options& options) {
  app.add_option("--clients", options.clients, "concurrent WebSocket clients")
      ->check(CLI::Range(1, 15'000))
      ->capture_default_str();
  app.add_option_function<int>(
         "--seconds", [&options](int value) { options.time = std::chrono::seconds(value); },
         "length of the run (default 30)")
      ->check(CLI::Range(5, 3600));
  app.add_option("--runs", options.runs, "repeat so many times")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--k6", options.k6, "let k6 be the clients");
  app.add_option("--k6-script", options.k6_script, "its script (default: examples/k6/websocket.js)");
}

void add_hop_options(CLI::App& app, Options& options) {
  const std::map<std::string, Via> names{
      {"tidegate", Via::tidegate}, {"nginx", Via::nginx}, {"haproxy", Via::haproxy}};
  app.add_option("--via", options.via, "what stands between clients and pods: tidegate, nginx or haproxy")
      ->transform(CLI::CheckedTransformer(names));
  app.add_flag("--single", options.single, "one address in front of the pods that picks any, dead ones too");
  app.add_flag("--tls", options.tls, "clients come by wss://, as they did in the story (tidegate and nginx)");
  app.add_flag("!--no-retry", options.retry, "switch tidegate's retries off");
  app.add_flag("!--no-hold", options.hold, "switch tidegate's waiting room off");
  app.add_option("--workers", options.workers, "worker threads of the hop (0: its default)")
      ->check(CLI::Range(0, 64));
  app.add_option("--tidegate", options.tidegate, "the gateway's program");
  app.add_option("--pod", options.pod, "the demo pod's program");
  app.add_option("--keep-logs", options.keep_logs, "keep configuration and logs in this directory");
}

void add_trial_options(CLI::App& app, Options& options) {
  auto* kill = app.add_flag_callback(
      "--kill-only", [&options] { options.restarts = Restarts::kill; }, "restart pods by SIGKILL only");
  app.add_flag_callback(
         "--graceful-only", [&options] { options.restarts = Restarts::graceful; },
         "restart pods by SIGTERM only")
      ->excludes(kill);
  auto* all_down =
      app.add_flag("--all-down", options.all_down, "all pods are down for 2 s at once in the middle");
  auto* unready = app.add_option_function<int>(
      "--unready", [&options](int value) { options.unready = std::chrono::seconds(value); },
      "instead of restarts: every /ready answers 503 for so many seconds under the open sockets");
  unready->check(CLI::Range(2, 60))->excludes(all_down);
  auto* capacity = app.add_option_function<int>(
      "--max-connections", [&options](int value) { options.max_connections = value; },
      "instead of restarts: a limit of sockets per pod, which the pods check themselves");
  capacity->check(CLI::Range(1, 10'000))->excludes(all_down)->excludes(unready);
  auto* drain = app.add_flag("--drain", options.drain,
                             "instead of restarts: each pod is drained by the gateway, restarted and put "
                             "back, under sockets that talk all the time");
  drain->excludes(all_down)->excludes(unready)->excludes(capacity);
  app.add_option_function<int>(
         "--window", [&options](int value) { options.window = std::chrono::seconds(value); },
         "--drain: the sockets of a pod are closed over so many seconds (default 10)")
      ->check(CLI::Range(2, 600))
      ->needs(drain);
  auto* soketi = app.add_flag("--soketi", options.soketi,
                              "pods are restarted once and leave as Soketi does; three runs: with `preset: "
                              "soketi`, without it, and without a look at any frame");
  soketi->excludes(all_down)->excludes(unready)->excludes(capacity)->excludes(drain)->excludes(kill);
  auto* kubernetes =
      app.add_flag("--kubernetes", options.kubernetes,
                   "pods that terminate as in Kubernetes, without a preStop: their slice says so "
                   "in the moment of SIGTERM, and the gateway watches the slices");
  kubernetes->excludes(all_down)
      ->excludes(unready)
      ->excludes(capacity)
      ->excludes(drain)
      ->excludes(kill)
      ->excludes(soketi);
  auto* reload = app.add_flag_callback(
      "--reload", [&options] { options.reloads = options.reloads == 0 ? default_reloads : options.reloads; },
      "instead of restarts: the gateway reloads changed configurations, five in a second, under sockets and "
      "requests");
  reload->excludes(all_down)->excludes(unready)->excludes(capacity)->excludes(drain)->excludes(soketi);
  app.add_option("--reloads", options.reloads, "--reload: so many (default 50)")
      ->check(CLI::Range(10, 100'000))
      ->needs(reload);
  app.add_flag_callback(
      "--untimed", [&options] { options.timed = false; },
      "--drain, --reload: show paces and times without judging them, on a machine that is busy");
  for (auto* other : {app.get_option("--single"), app.get_option("--k6")}) {
    unready->excludes(other);
    capacity->excludes(other);
    drain->excludes(other);
    soketi->excludes(other);
    kubernetes->excludes(other);
    reload->excludes(other);
  }
}

}  // namespace

std::string_view text(Via via) {
  switch (via) {
    case Via::tidegate: return "tidegate";
    case Via::nginx: return "nginx";
    case Via::haproxy: return "haproxy";
  }
  return "unknown";
}

std::string_view text(Signs signs) {
  switch (signs) {
    case Signs::first_frames: return "with `preset: soketi`";
    case Signs::closes: return "without the preset";
    case Signs::probes: return "without a look at frames";
  }
  return "unknown";
}

Trial Options::trial() const {
  if (unready) return Trial::unready;
  if (max_connections) return Trial::capacity;
  if (drain) return Trial::drain;
  if (soketi) return Trial::soketi;
  if (kubernetes) return Trial::kubernetes;
  if (reloads > 0) return Trial::reload;
  return Trial::rollout;
}

Parsed parse_options(int argc, char** argv) {
  Parsed parsed;
  auto& options = parsed.options;
  CLI::App app{
      "Loads a gateway with WebSocket clients while the pods behind it restart, and counts every failure.",
      "tidegate-prove"};
  app.footer(examples);
  add_load_options(app, options);
  add_hop_options(app, options);
  add_trial_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit_status = app.exit(error) == 0 ? 0 : 2;
    return parsed;
  }
  if (options.tls && (options.k6 || options.via == Via::haproxy)) {
    std::fputs("--tls: only with clients of its own, and via tidegate or nginx\n", stderr);
    parsed.exit_status = 2;
    return parsed;
  }
  if ((options.drain || options.soketi || options.kubernetes || options.reloads > 0) &&
      options.via != Via::tidegate) {
    std::fputs("--drain, --soketi, --kubernetes, --reload: only tidegate can be told to\n", stderr);
    parsed.exit_status = 2;
    return parsed;
  }
  if (options.drain) options.time = 3 * (options.window + std::chrono::seconds(3));
  if (options.kubernetes) options.restarts = Restarts::graceful;
  if (options.soketi) {
    options.restarts = Restarts::graceful;
    if (app.count("--clients") == 0) options.clients = soketi_clients;
    if (app.count("--seconds") == 0) options.time = soketi_time;
  }
  if (options.reloads > 0) options.time = std::chrono::seconds(options.reloads / 5 + 12);
  if (options.k6_script.empty()) options.k6_script = default_k6_script();
  if (options.trial() == Trial::capacity && options.workers == 0) options.workers = 2;
  return parsed;
}

}  // namespace tidegate::prove
