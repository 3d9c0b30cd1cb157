// socket-pod: a WebSocket server that starts, serves and ends as a Soketi pod in Kubernetes does, for trying
// out what stands in front of it.

#include <cstdio>
#include <cstdlib>
#include <exception>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <sys/resource.h>

#include "examples/socket-pod/options.hpp"
#include "examples/socket-pod/pod.hpp"

namespace tidegate::pod {
namespace {

void add_delay(CLI::App& app, const std::string& flag, std::chrono::milliseconds& delay,
               const std::string& meaning) {
  app.add_option_function<unsigned>(
         flag, [&delay](unsigned value) { delay = std::chrono::milliseconds(value); }, meaning)
      ->type_name("MS");
}

void add_options(CLI::App& app, Options& options) {
  app.add_option_function<std::string>(
         "--listen", [&options](const std::string& text) { set_listen_address(options, text); },
         "address to listen on; port 0 takes a free one and prints it (default 127.0.0.1:6001)")
      ->type_name("HOST:PORT");
  app.add_option("--name", options.name, "name in answers and statistics")->capture_default_str();
  add_delay(app, "--start-refuse", options.start_refuse, "from the start: the port refuses connections");
  add_delay(app, "--start-unready", options.start_unready,
            "then: /ready and WebSocket handshakes answer 503");
  add_delay(app, "--pre-stop", options.pre_stop, "after SIGTERM: everything goes on (preStop: sleep)");
  add_delay(app, "--grace", options.grace,
            "then: /ready says 500, sockets are closed with 4200, the port still accepts (default 3000)");
  app.add_flag("--reuse-port", options.reuse_port, "set SO_REUSEPORT on the listener");
  app.footer(
      "Paths: / /ready /accept-traffic /stats /app/<key> (WebSocket) /headers /echo /slow?ms= /big?bytes=\n"
      "       POST /control/ready?status=503&for=5000 makes /ready answer 503 for 5 s");
}

// The limit of open files; a pod of 10,000 sockets needs more than the usual 1,024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const Options& options) {
  boost::asio::io_context context(1);
  try {
    Pod pod(context, options);
    pod.start();
    context.run();
    // Leaves without destructors: sessions still waiting on the context refer to the pod.
    std::fflush(stdout);
    std::_Exit(EXIT_SUCCESS);
  } catch (const boost::system::system_error& error) {
    std::fprintf(stderr, "socket-pod: cannot listen on %s:%u: %s\n", options.host.c_str(),
                 unsigned{options.port}, error.code().message().c_str());
    return EXIT_FAILURE;
  }
}

}  // namespace
}  // namespace tidegate::pod

int main(int argc, char** argv) {
  tidegate::pod::Options options;
  CLI::App app{"A demo socket pod: starts, serves and ends as Soketi does in Kubernetes.", "socket-pod"};
  try {
    tidegate::pod::add_options(app, options);
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "socket-pod: --listen: %s\n", error.what());
    return EXIT_FAILURE;
  }
  tidegate::pod::raise_descriptor_limit();
  return tidegate::pod::run(options);
}
