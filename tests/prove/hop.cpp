#include "tests/prove/hop.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <boost/json.hpp>

#include "tests/prove/fetch.hpp"
#include "tests/prove/programs.hpp"
#include "tests/prove/reload_steps.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds start_patience{10};
constexpr std::chrono::seconds end_patience{15};

std::string advice(Via via) {
  switch (via) {
    case Via::tidegate: return "build it first (./dev build), or name it with --tidegate PATH";
    case Via::nginx: return "install it (apt-get install nginx-light)";
    case Via::haproxy: return "install it (apt-get install haproxy)";
  }
  return {};
}

std::string program_name(const Options& options) {
  return options.via == Via::tidegate ? options.tidegate : std::string(text(options.via));
}

std::string configuration(const Options& options, const Layout& layout) {
  switch (options.via) {
    case Via::tidegate:
      return options.trial() == Trial::reload ? reload_configuration(options, layout, {})
                                              : tidegate_configuration(options, layout);
    case Via::nginx: return nginx_configuration(options, layout);
    case Via::haproxy: return haproxy_configuration(options, layout);
  }
  return {};
}

std::string file_name(Via via) {
  switch (via) {
    case Via::tidegate: return "tidegate.yaml";
    case Via::nginx: return "nginx.conf";
    case Via::haproxy: return "haproxy.cfg";
  }
  return {};
}

// The last lines of a log, for the message that says why a program did not start.
std::string end_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream all;
  all << file.rdbuf();
  const std::string content = all.str();
  constexpr std::size_t most = 2000;
  return content.size() <= most ? content : content.substr(content.size() - most);
}

}  // namespace

Hop::Hop(asio::io_context& context, const Options& options, Layout layout)
    : context_(context),
      options_(options),
      layout_(std::move(layout)),
      program_(find_program(program_name(options), advice(options.via))) {}

std::string Hop::file() const {
  return layout_.directory + "/" + file_name(options_.via);
}

std::vector<std::string> Hop::command() const {
  switch (options_.via) {
    case Via::tidegate: return {program_, "-c", file()};
    case Via::nginx:
      return {program_, "-p", layout_.directory, "-e", layout_.directory + "/error.log", "-c", file()};
    case Via::haproxy: return {program_, "-db", "-f", file()};
  }
  return {};
}

asio::ip::tcp::endpoint Hop::address() const {
  return {asio::ip::address_v4::loopback(), layout_.hop_port};
}

asio::awaitable<void> Hop::start() {
  std::ofstream(file()) << configuration(options_, layout_);
  process_ = std::make_unique<Process>(context_, command(), log());
  const auto patience_ends = std::chrono::steady_clock::now() + start_patience;
  while (process_->poll() == std::nullopt && std::chrono::steady_clock::now() < patience_ends) {
    // A port that speaks TLS says so to a question in clear text: enough to know that it is served.
    if (options_.tls) {
      co_await pause(std::chrono::milliseconds(50));
      const auto answer = co_await fetch(address(), "GET", "/", std::chrono::milliseconds(500));
      if (answer && answer->status == 400) co_return;
      continue;
    }
    const bool passes = co_await wait_until_ok(address(), "/", std::chrono::milliseconds(500));
    if (passes) co_return;
  }
  const auto& ended = process_->poll();
  throw std::runtime_error(program_ +
                           (ended ? " did not start: " + ended->text() : " does not reach the pods") + "\n" +
                           end_of(log()) + end_of(layout_.directory + "/error.log"));
}

asio::awaitable<void> Hop::order(std::vector<std::string> words) {
  auto line = std::move(words);
  std::string told = "tidegate";
  for (const auto& word : line) told += " " + word;
  line.insert(line.begin(), program_);
  line.insert(line.end(), {"-c", file()});
  const auto outcome_log = layout_.directory + "/orders.log";
  Process command(context_, line, outcome_log);
  const auto ended = co_await command.wait(start_patience);
  if (ended && ended->signal == 0 && ended->status == 0) co_return;
  throw std::runtime_error(told + ": " + (ended ? ended->text() : "no answer") + "\n" + end_of(outcome_log));
}

asio::awaitable<void> Hop::reload(std::string configuration) {
  // In one piece, as an editor does it.
  const auto next = file() + ".next";
  std::ofstream(next) << configuration;
  std::filesystem::rename(next, file());
  const asio::local::stream_protocol::endpoint socket(layout_.directory + "/admin.sock");
  const auto answer = co_await fetch(socket, "POST", "/reload", start_patience);
  if (answer && answer->status == 200) co_return;
  throw std::runtime_error("reload: " + (answer ? answer->body : "no answer"));
}

asio::awaitable<std::string> Hop::state_of(std::string wanted) const {
  const asio::ip::tcp::endpoint admin(asio::ip::address_v4::loopback(), layout_.admin_port);
  const auto answer = co_await fetch(admin, "GET", "/endpoints", std::chrono::seconds(5));
  if (!answer || answer->status != 200) co_return std::string();
  const auto value = boost::json::parse(answer->body);
  for (const auto& endpoint : value.at("endpoints").as_array()) {
    if (endpoint.at("address").as_string() != wanted) continue;
    co_return std::string(endpoint.at("state").as_string());
  }
  co_return std::string();
}

asio::awaitable<std::optional<HiddenWork>> Hop::read_hidden_work() const {
  if (options_.via != Via::tidegate) co_return std::nullopt;
  const asio::ip::tcp::endpoint admin(asio::ip::address_v4::loopback(), layout_.admin_port);
  const auto answer = co_await fetch(admin, "GET", "/metrics", std::chrono::seconds(5));
  if (!answer || answer->status != 200) co_return std::nullopt;
  std::ofstream(layout_.directory + "/metrics.txt") << answer->body;
  co_return hidden_work(answer->body);
}

bool Hop::running() {
  return process_ && !process_->poll();
}

asio::awaitable<Exit> Hop::end() {
  return process_->end(end_patience);
}

}  // namespace tidegate::prove
