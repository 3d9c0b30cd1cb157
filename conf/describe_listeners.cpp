#include <array>

#include "conf/addresses.hpp"
#include "conf/describe.hpp"

namespace tidegate::conf {

namespace {

constexpr std::string_view address_form =
    "an address to listen on such as `0.0.0.0:80`, `[::]:443`, `:80` (both families) or "
    "`unix:/run/tidegate.sock`";

// The IPv6 halves of listeners written as `:80`, to be added behind those that are written, so that the
// positions of the written ones stay those of the file.
struct OtherHalf {
  std::size_t of;
  Address address;
};

struct ListenerList {
  std::vector<Listener>& listeners;
  std::vector<OtherHalf> halves;

  std::string take_address(std::size_t index, const Scalar& scalar) {
    auto addresses = parse_listen_address(scalar.text);
    if (!addresses) return addresses.error().why;
    listeners[index].address = addresses->front();
    if (addresses->size() > 1) halves.push_back({index, addresses->back()});
    return {};
  }
};

void describe_limits(Fields& fields, RequestLimits& limits) {
  constexpr std::uint64_t mebibyte = 1024 * 1024;
  fields.size({"head", "Request line and header fields together; over it 431."}, limits.head_bytes,
              {1024, mebibyte});
  fields.size({"target", "The request target; over it 414."}, limits.target_bytes, {128, mebibyte});
  fields.integer({"fields", "Number of header fields; over it 431."}, limits.fields, {1, 10'000});
  fields.size({"body", "The request body, 0 for no limit; over it 413."}, limits.body_bytes,
              {0, std::numeric_limits<std::int64_t>::max()});
  fields.size({"trailers", "Trailer fields of a chunked body together."}, limits.trailer_bytes,
              {0, mebibyte});
}

void describe_timeouts(Fields& fields, ClientTimeouts& timeouts) {
  fields.duration({"proxyProtocol", "From the accepted connection to the end of its PROXY protocol header."},
                  timeouts.proxy_header);
  fields.duration({"tlsHandshake", "From the accepted connection to the end of its TLS handshake."},
                  timeouts.tls_handshake);
  fields.duration({"requestHeader", "From the first byte of a request head to its end, in total."},
                  timeouts.request_header);
  fields.duration({"requestBody", "Between two reads of a request body."}, timeouts.request_body);
  fields.duration({"clientKeepalive", "Idle between two requests of a connection, and before the first."},
                  timeouts.client_keepalive);
  fields.duration({"writeStall", "No progress while bytes wait to be sent to the client."},
                  timeouts.write_stall);
}

void describe_body_pace(Fields& fields, BodyPace& pace) {
  constexpr std::uint64_t gibibyte = 1024 * 1024 * 1024;
  fields.size({"bytesPerSecond", "How many on average, such as 240; 0: no minimum."}, pace.bytes_per_second,
              {0, gibibyte});
  fields.require("bytesPerSecond");
  fields.duration({"window", "Waiting time over which the average is taken."}, pace.window,
                  {std::chrono::milliseconds(100), std::chrono::hours(1)});
}

void describe_listener(Fields& fields, ListenerList& list, std::size_t index) {
  static constexpr std::array<std::string_view, 2> line_feeds{"refuse", "accept"};
  static constexpr std::array<std::string_view, 3> underscores{"drop", "refuse", "pass"};
  Listener& listener = list.listeners[index];
  listener.place = fields.place();
  const auto take = [&list, index](const Scalar& scalar) { return list.take_address(index, scalar); };
  fields.text({"address", "Where to listen: an IP address with its port, or a Unix socket."}, "", take,
              address_form);
  fields.require("address");
  fields.object({"requestLimits", "How much a client may send."},
                [&listener](Fields& inner) { describe_limits(inner, listener.limits); });
  fields.object(
      {"minBodyRate",
       "The least rate at which a request body must come, its framing not counted, as long as the "
       "gateway waits for it; below it 408. Without it a body may drip within `timeouts.requestBody`."},
      [&listener](Fields& inner) { describe_body_pace(inner, listener.body_pace); });
  describe_limit_names(fields, listener.limit_names);
  fields.object({"timeouts", "Deadlines towards clients."},
                [&listener](Fields& inner) { describe_timeouts(inner, listener.timeouts); });
  describe_keepalive(fields, listener.keepalive);
  fields.choice({"bareLineFeed", "Request heads whose lines end without a carriage return (RFC 9112 2.2)."},
                listener.bare_line_feed, line_feeds);
  fields.choice(
      {"underscoresInHeaders",
       "Request fields with an underscore in their name, which CGI-like applications take for a "
       "hyphen: leave them out, answer 400, or send them on. Those that would be taken for a field that "
       "the gateway or a route's `requestHeaders` sets or removes are left out in any case."},
      listener.underscores_in_headers, underscores);
  fields.integer({"backlog", "Connections the kernel queues before they are accepted."}, listener.backlog,
                 {1, 65'535});
  fields.object({"tls", "Serve https and wss here; or, with `redirect` alone, send clients there."},
                [&listener](Fields& inner) { describe_server_tls(inner, listener); });
  describe_proxy_protocol(fields, listener.proxy_protocol);
  describe_access(fields, listener.access);
}

Shapes listener_shapes(ListenerList& list) {
  list.listeners.emplace_back();
  const std::size_t index = list.listeners.size() - 1;
  Shapes shapes;
  shapes.form = address_form;
  shapes.take_text = [&list, index](const Scalar& scalar) {
    list.listeners[index].place = scalar.place;
    return list.take_address(index, scalar);
  };
  shapes.take_object = [&list, index](Fields& inner) { describe_listener(inner, list, index); };
  return shapes;
}

}  // namespace

void describe_listeners(Fields& fields, Config& config) {
  ListenerList list{config.listeners, {}};
  fields.list({"listeners", "Where clients connect."}, [&list] { return listener_shapes(list); });
  fields.require("listeners");
  for (const auto& half : list.halves) {
    Listener other = config.listeners[half.of];
    other.address = half.address;
    other.optional_family = true;
    config.listeners.push_back(std::move(other));
  }
}

}  // namespace tidegate::conf
