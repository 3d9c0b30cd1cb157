#include "tests/prove/web_load.hpp"

#include <charconv>
#include <chrono>
#include <tuple>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "tests/prove/client_stream.hpp"
#include "tests/prove/fetch.hpp"
#include "tests/prove/reload_steps.hpp"

namespace tidegate::prove {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Error = boost::system::error_code;
using std::chrono::milliseconds;
constexpr auto as_values = asio::as_tuple(asio::use_awaitable);

namespace {

constexpr milliseconds interval{20};      // between two requests
constexpr milliseconds patience{10'000};  // for one
constexpr std::size_t most_samples = 10;

struct Manner {
  bool kept = false;
  bool tls = false;
};

int step_in(std::string_view text) {
  int step = -1;
  std::from_chars(text.data(), text.data() + text.size(), step);
  return step;
}

// One connection of one client.
class Visit {
 public:
  Visit(asio::io_context& context, WebLoad& load, Manner manner)
      : load_(load), manner_(manner), stream_(context), deadline_(context) {
    if (manner.tls) stream_.use_tls(*load.tls);
  }

  asio::awaitable<void> make() {
    arm();
    const bool opened = co_await open();
    bool goes_on = opened;
    while (goes_on && !load_.over) {
      arm();
      goes_on = co_await ask();
      if (goes_on) co_await pause(interval);
    }
    deadline_.cancel();
    Error ignored;
    stream_.socket().close(ignored);
  }

 private:
  asio::awaitable<bool> open() {
    auto [connect_error] =
        co_await stream_.socket().async_connect(manner_.tls ? load_.secure : load_.plain, as_values);
    if (connect_error) co_return fail("connect: " + connect_error.message());
    stream_.socket().set_option(asio::ip::tcp::no_delay(true));
    auto [tls_error] = co_await asio::async_initiate<decltype(as_values), void(Error)>(
        [this](auto handler) { stream_.async_prepare(std::move(handler)); }, as_values);
    if (tls_error) co_return fail("TLS: " + tls_error.message());
    if (manner_.tls) {
      load_.counts.last_serial = stream_.peer_serial();
      load_.counts.serials.insert(load_.counts.last_serial);
    }
    co_return true;
  }

  // False when the connection is to end.
  asio::awaitable<bool> ask() {
    const int in_force = load_.in_force;
    http::request<http::empty_body> request{http::verb::get, web_path, 11};
    request.set(http::field::host, "test");
    request.keep_alive(manner_.kept);
    auto [write_error, written] = co_await http::async_write(stream_, request, as_values);
    if (write_error) co_return fail("request: " + write_error.message());
    http::response<http::string_body> response;
    auto [read_error, read] = co_await http::async_read(stream_, buffer_, response, as_values);
    if (read_error) co_return fail("answer: " + read_error.message());
    if (response.result_int() != 200) co_return fail("status " + std::to_string(response.result_int()));
    ++(manner_.kept ? load_.counts.kept : load_.counts.fresh);
    const auto step = response["x-step"];
    if (step_in({step.data(), step.size()}) < in_force) ++load_.counts.stale;
    co_return response.keep_alive();
  }

  bool fail(const std::string& why) {
    auto& counts = load_.counts;
    ++counts.failed;
    if (counts.samples.size() < most_samples)
      counts.samples.push_back(std::string(manner_.kept ? "kept" : "new") +
                               (manner_.tls ? " connection with TLS: " : " connection: ") + why);
    return false;
  }

  void arm() {
    deadline_.expires_after(patience);
    deadline_.async_wait([this](Error error) {
      if (error) return;
      Error ignored;
      stream_.socket().close(ignored);
    });
  }

  WebLoad& load_;
  const Manner manner_;
  ClientStream stream_;
  boost::beast::flat_buffer buffer_;
  asio::steady_timer deadline_;
};

asio::awaitable<void> visit_again_and_again(asio::io_context& context, WebLoad& load, Manner manner) {
  while (!load.over) {
    {
      Visit visit(context, load, manner);
      co_await visit.make();
    }
    if (!load.over) co_await pause(interval);
  }
  --load.running;
}

}  // namespace

void start_web_clients(asio::io_context& context, WebLoad& load, int of_each) {
  for (int i = 0; i < 4 * of_each; ++i) {
    ++load.running;
    const Manner manner{i % 2 == 0, i % 4 < 2};
    asio::co_spawn(context, visit_again_and_again(context, load, manner), asio::detached);
  }
}

}  // namespace tidegate::prove
