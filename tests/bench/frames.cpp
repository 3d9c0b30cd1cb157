// What following frames costs beside passing bytes. The ways take turns within a round, and what counts is
// the median over the rounds of what one cost beside the plain relay of the same round: a machine that is
// busy with other things slows them all. The plain relay runs twice, which shows how far such a figure can be
// believed.
#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/bench/benches.hpp"
#include "tests/bench/crowd.hpp"
#include "tests/bench/echo_server.hpp"
#include "tests/bench/table.hpp"
#include "tests/bench/work.hpp"

namespace tidegate::bench {
namespace {

constexpr std::size_t small_message = 64;
constexpr std::size_t large_message = 1024 * 1024;
constexpr std::size_t burst = 100;

struct Way {
  const char* name;
  Hop hop;
  std::vector<double> costs{};  // CPU seconds of each round
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Hop start_gateway(Options options, const char* inspect, std::uint16_t server_port) {
  options.inspect = inspect;
  auto hop = Hop::start(Kind::tidegate, options, server_port);
  if (!hop) throw std::runtime_error("no gateway, no measurement");
  return std::move(*hop);
}

Work exchange_of(const Options& options, std::uint64_t messages, std::size_t size, std::size_t at_once) {
  Work work;
  work.count = messages;
  work.prepare = [=, tls = options.tls, sockets = options.message_sockets](std::uint16_t port) {
    auto crowd = std::make_shared<Crowd>(port, tls);
    crowd->open(static_cast<std::size_t>(sockets));
    return [=] { crowd->exchange(messages, size, at_once); };
  };
  return work;
}

std::vector<Work> works_of(const Options& options) {
  const auto messages = static_cast<std::uint64_t>(options.messages);
  const auto size = std::to_string(small_message);
  auto single = exchange_of(options, messages / 2, small_message, 1);
  single.title = "messages of " + size + " bytes, one at a time";
  single.unit = "message";
  auto bursts = exchange_of(options, messages * 10, small_message, burst);
  bursts.title = "messages of " + size + " bytes, " + std::to_string(burst) + " at a time";
  bursts.unit = "message";
  auto large = exchange_of(options, messages / 200, large_message, 1);
  large.title = "messages of 1 MiB";
  large.unit = "MiB";
  return {single, bursts, large};
}

void take_turns(std::vector<Way>& ways, const Work& work, int rounds) {
  for (auto& way : ways) way.costs.clear();
  for (int round = 0; round < rounds; ++round) {
    // Nobody is always the first.
    const auto first = static_cast<std::size_t>(round) % ways.size();
    for (std::size_t i = 0; i < ways.size(); ++i) {
      auto& way = ways[(first + i) % ways.size()];
      way.costs.push_back(cost_of(way.hop, work).processor.total.count());
    }
  }
}

void print(const std::vector<Way>& ways, const Work& work) {
  Table table({work.title, "CPU us per " + work.unit, "more than bytes, us", "ratio", "of its rounds"});
  const auto scale = 1e6 / static_cast<double>(work.count);
  const auto& plain = ways.front().costs;
  for (const auto& way : ways) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < plain.size(); ++i) ratios.push_back(way.costs[i] / plain[i]);
    const auto [least, most] = std::minmax_element(ratios.begin(), ratios.end());
    const auto ratio = median(ratios);
    table.add({way.name, number(median(way.costs) * scale, 2), number((ratio - 1) * median(plain) * scale, 3),
               number(ratio, 3), number(*least, 2) + " - " + number(*most, 2)});
  }
  std::printf("%s\n", table.text().c_str());
  std::fflush(stdout);
}

}  // namespace

void measure_frames(const Options& options) {
  std::printf("messages there and back over %d sockets%s, in turn, medians of %d rounds\n\n",
              options.message_sockets, options.tls ? ", by TLS" : "", options.frame_rounds);
  const auto listening = listen_on_free_port();
  const auto server = start_part([&](Channel&) { serve_echo(listening.socket); });
  std::vector<Way> ways;
  for (const auto& [name, inspect] : {std::pair{"inspect: off", "off"},
                                      {"inspect: watch", "watch"},
                                      {"inspect: enforce", "enforce"},
                                      {"inspect: off, again", "off"}}) {
    ways.push_back({name, start_gateway(options, inspect, listening.port)});
  }
  for (const auto& work : works_of(options)) {
    take_turns(ways, work, options.frame_rounds);
    print(ways, work);
  }
}

}  // namespace tidegate::bench
