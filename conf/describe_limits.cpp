#include <array>

#include "conf/describe.hpp"
#include "conf/rate.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view rate_form = "a rate such as `10/s` or `600/m`";

TakeText into_interval(RateLimit& limit) {
  return [&limit](const Scalar& scalar) -> std::string {
    const auto interval = parse_rate(scalar.text);
    if (!interval) return interval.error().why;
    limit.interval = *interval;
    return {};
  };
}

void describe_rate(Fields& fields, const Key& key, RateLimit& limit) {
  Shapes shapes;
  shapes.form = rate_form;
  shapes.take_text = into_interval(limit);
  shapes.take_object = [&limit](Fields& inner) {
    constexpr std::uint64_t most = 1'000'000;
    inner.text({"rate", "How many per second (`10/s`), minute (`m`), hour (`h`) or day (`d`)."}, "",
               into_interval(limit), rate_form);
    inner.require("rate");
    inner.integer({"burst", "How many may run ahead of the rate; over it 429."}, limit.burst, {0, most});
    inner.integer({"delay", "How many of the burst go at once; the others wait until they are due."},
                  limit.delay, {0, most});
    inner.flag({"noDelay", "The whole burst goes at once."}, limit.no_delay);
    inner.allow_one(std::array<std::string_view, 2>{"delay", "noDelay"});
  };
  fields.shaped(key, shapes, "");
}

void describe_limit(Fields& fields, ClientLimit& limit) {
  static constexpr std::array<std::string_view, 2> keys{"clientAddress", "all"};
  constexpr std::uint64_t most_at_once = 10'000'000;
  fields.choice({"key", "Who is counted together: each client address, or all clients."}, limit.key, keys);
  fields.integer({"ipv4Prefix", "IPv4 addresses equal in so many bits are one client."}, limit.ipv4_prefix,
                 {1, 32});
  fields.integer({"ipv6Prefix", "IPv6 addresses equal in so many bits are one client."}, limit.ipv6_prefix,
                 {1, 128});
  describe_rate(fields, {"requests", "Requests per time; WebSocket handshakes are requests too."},
                limit.requests);
  describe_rate(fields, {"handshakes", "WebSocket handshakes and other upgrades per time."},
                limit.handshakes);
  fields.integer(
      {"connections",
       "At once, 0 for no limit. On a listener: open connections, closed at once over it; those of "
       "`trustedProxies` are not limited, since each brings many clients. On a route: requests in "
       "progress, 429 over it."},
      limit.connections, {0, most_at_once});
  fields.integer({"webSockets", "Open at once, 0 for no limit; over it 429."}, limit.websockets,
                 {0, most_at_once});
  fields.integer({"addresses", "Clients remembered, about 60 bytes each; the longest away are forgotten."},
                 limit.addresses, {1'000, 10'000'000});
  fields.flag({"dryRun", "Refuse and delay nobody; only count and log."}, limit.dry_run);
}

}  // namespace

void describe_limits(Fields& fields, Config& config) {
  fields.table({"limits", "Limits per client by name, for `limits` of listeners and routes."},
               [&config](const Scalar& name) {
                 auto& limit = config.limits.emplace_back();
                 limit.name = name.text;
                 limit.place = name.place;
                 Shapes shapes;
                 shapes.take_object = [&limit](Fields& inner) { describe_limit(inner, limit); };
                 return shapes;
               });
}

void describe_limit_names(Fields& fields, std::vector<std::string>& names) {
  fields.list({"limits", "Names of limits that hold here, all of them at once."}, [&names] {
    Shapes shapes;
    shapes.form = "the name of a limit";
    shapes.take_text = [&names](const Scalar& scalar) {
      names.emplace_back(scalar.text);
      return std::string();
    };
    return shapes;
  });
}

}  // namespace tidegate::conf
