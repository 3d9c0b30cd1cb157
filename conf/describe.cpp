#include "conf/describe.hpp"

namespace tidegate::conf {

void describe(Fields& fields, Config& config) {
  describe_listeners(fields, config);
  describe_routes(fields, config);
  describe_upstreams(fields, config);
  describe_process(fields, config);
  describe_limits(fields, config);
}

void describe_keepalive(Fields& fields, TcpKeepalive& keepalive) {
  constexpr std::uint64_t most_probes = 127;                     // MAX_TCP_KEEPCNT of Linux
  constexpr DurationRange kernel{std::chrono::seconds(1),        // in whole seconds: see `validate`
                                 std::chrono::seconds(32'767)};  // MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL
  const auto describe_members = [&](Fields& inner) {
    inner.duration({"idle", "Silence before the first probe; whole seconds."}, keepalive.idle, kernel);
    inner.duration({"interval", "Between two probes; whole seconds."}, keepalive.interval, kernel);
    inner.integer({"probes", "Unanswered probes after which the peer is given up."}, keepalive.probes,
                  {1, most_probes});
  };
  fields.object({"tcpKeepalive",
                 "How a peer that vanished without a word is noticed: it is given up after `idle` and all "
                 "probes, with bytes on their way to it too, or after the longest `writeStall` or `connect` "
                 "that holds for it if that is longer."},
                describe_members);
}

void describe_switch(Fields& fields, const Key& key, bool& enabled,
                     const std::function<void(Fields&)>& members) {
  Shapes shapes;
  shapes.words = {"off", "on"};
  shapes.take_word = [&enabled](std::size_t word) { enabled = word == 1; };
  shapes.take_object = [&enabled, &members](Fields& inner) {
    enabled = true;
    members(inner);
  };
  fields.shaped(key, shapes, enabled ? "on" : "off");
}

}  // namespace tidegate::conf
