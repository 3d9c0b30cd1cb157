#include "tests/prove/run.hpp"

#include <csignal>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include "tests/prove/ports.hpp"
#include "tests/prove/programs.hpp"
#include "tests/prove/service_address.hpp"
#include "tests/prove/trials.hpp"
#include "tests/support/certificates.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

constexpr std::size_t pod_count = 3;

// The directory of one run: temporary and removed with this, or kept where the user asked for it.
class RunDirectory {
 public:
  RunDirectory(const Options& options, int number) : kept_(!options.keep_logs.empty()) {
    if (kept_) {
      path_ = fs::absolute(fs::path(options.keep_logs) / ("run-" + std::to_string(number)));
      fs::remove_all(path_);
      fs::create_directories(path_);
      return;
    }
    std::string pattern = (fs::temp_directory_path() / "tidegate-prove-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a directory " + pattern);
    path_ = pattern;
  }
  ~RunDirectory() {
    std::error_code ignored;
    if (!kept_) fs::remove_all(path_, ignored);
  }
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
  bool kept_;
};

std::string address_text(const asio::ip::tcp::endpoint& endpoint) {
  return endpoint.address().to_string() + ":" + std::to_string(endpoint.port());
}

// Ports, the service in front of them where it is asked for, and what the hop is to know of it.
Layout lay_out(const Options& options, const std::string& directory, std::vector<std::uint16_t>& pod_ports) {
  auto ports = free_ports(pod_count + 4);
  pod_ports.assign(ports.begin(), ports.begin() + pod_count);
  Layout layout;
  layout.directory = directory;
  layout.hop_port = ports[pod_count];
  layout.admin_port = ports[pod_count + 1];
  layout.web_port = ports[pod_count + 2];
  layout.spare_port = ports[pod_count + 3];
  if (options.single) {
    lead_to(pod_ports);
    layout.upstreams.push_back(address_text(service_address()));
    return layout;
  }
  for (const auto port : pod_ports) layout.upstreams.push_back("127.0.0.1:" + std::to_string(port));
  return layout;
}

asio::awaitable<void> perform(Scene& scene) {
  co_await scene.pods.start();
  co_await scene.hop.start();
  co_await hold_trial(scene);
  scene.result.checks.push_back({"the hop ran on to the end", scene.hop.running()});
  scene.result.hidden = co_await scene.hop.read_hidden_work();
  const auto ended = co_await scene.hop.end();
  scene.result.hop_time = ended.processor_time;
  if (scene.options.via == Via::tidegate) {
    scene.result.checks.push_back(
        {"the gateway left at SIGTERM: " + ended.text(), ended.signal == 0 && ended.status == 0});
  }
  co_await scene.pods.end();
}

}  // namespace

RunResult run_once(const Options& options, int number) {
  asio::io_context context(1);
  const RunDirectory directory(options, number);
  Progress progress(options.time);
  RunResult result;
  std::vector<std::uint16_t> ports;
  auto layout = lay_out(options, directory.path(), ports);
  std::optional<test::Authority> authority;
  if (options.tls || options.trial() == Trial::reload) {
    const auto issued = authority.emplace().issue();
    layout.authority = authority->file();
    layout.certificate = issued.certificate;
    layout.key = issued.key;
  }
  std::optional<KubeService> service;
  if (options.trial() == Trial::kubernetes)
    layout.kubeconfig = service.emplace(ports).write_kubeconfig(directory.path());
  const auto rollout = plan_rollout(options, ports.size());
  const auto pod_program =
      find_program(options.pod, "build it first (./dev build), or name it with --pod PATH");
  Hop hop(context, options, layout);
  Pods::Settings settings{pod_program, directory.path(), ports, rollout};
  if (service) settings.told = [&](std::size_t pod, PodPhase phase) { service->tell(pod, phase); };
  Pods pods(context, settings, [&progress](const std::string& what) { progress.event(what); });
  Scene scene{context,
              options,
              hop,
              pods,
              progress,
              rollout,
              result,
              authority ? &*authority : nullptr,
              service ? &*service : nullptr};
  std::exception_ptr failure;
  bool interrupted = false;
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](boost::system::error_code error, int) {
    if (error) return;
    interrupted = true;
    context.stop();
  });
  asio::co_spawn(context, perform(scene), [&](std::exception_ptr error) {
    failure = error;
    context.stop();
  });
  context.run();
  progress.clear();
  if (interrupted) throw Interrupted();
  if (failure) std::rethrow_exception(failure);
  return result;
}

}  // namespace tidegate::prove
