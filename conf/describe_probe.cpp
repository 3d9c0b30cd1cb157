#include <array>

#include "conf/describe.hpp"
#include "conf/units.hpp"

namespace tidegate::conf {

namespace {

// Kubernetes lets a port be the name of a container's port; names need the pod's specification, which is not
// here.
std::string take_port(const Scalar& scalar, std::uint16_t& port) {
  const auto number = parse_integer(scalar.text);
  if (!number) {
    return "a named port is not known here: write its number (the `containerPort` called " +
           quote(scalar.text) + " in the Deployment)";
  }
  if (*number < 1 || *number > 65'535)
    return "a port is a number from 1 to 65535, found " + quote(scalar.text);
  port = static_cast<std::uint16_t>(*number);
  return {};
}

void describe_port(Fields& fields, std::uint16_t& port) {
  Shapes shapes;
  shapes.form = "a port number";
  shapes.take_text = [&port](const Scalar& scalar) { return take_port(scalar, port); };
  fields.shaped({"port", "Port to probe; default: the endpoint's own."}, shapes, "");
}

std::string take_scheme(HttpGetAction& action, const Scalar& scalar) {
  const bool plain = scalar.text == "HTTP" || scalar.text == "http";
  const bool secure = scalar.text == "HTTPS" || scalar.text == "https";
  if (!plain && !secure) return "expected `HTTP` or `HTTPS`, found " + quote(scalar.text);
  action.https = secure;
  return {};
}

void describe_headers(Fields& fields, std::vector<HttpHeader>& headers) {
  fields.list({"httpHeaders", "Header fields to send."}, [&headers] {
    headers.emplace_back();
    Shapes shapes;
    shapes.take_object = [&header = headers.back()](Fields& inner) {
      inner.text({"name", "Name of the header field."}, header.name, "the name of a header field");
      inner.text({"value", "Value of the header field."}, header.value, "a text");
      inner.require("name");
      inner.require("value");
    };
    return shapes;
  });
}

void describe_http_get(Fields& fields, HttpGetAction& action) {
  fields.text({"path", "Path to ask for."}, action.path, "a path that begins with `/`");
  describe_port(fields, action.port);
  fields.text({"host", "Host to connect to and to name in the Host field; default: the endpoint's address."},
              action.host, "a host name or IP address");
  const auto take = [&action](const Scalar& scalar) { return take_scheme(action, scalar); };
  fields.text({"scheme",
               "HTTP or HTTPS; default: at the endpoint's own port as the upstream's `tls` says, else HTTP. "
               "Without `tls` the certificate is not verified, as in Kubernetes."},
              "", take, "`HTTP` or `HTTPS`");
  describe_headers(fields, action.http_headers);
}

void describe_counts(Fields& fields, Probe& probe) {
  constexpr std::uint64_t day = 24 * 3600;
  fields.seconds({"initialDelaySeconds", "Failures before this do not count."}, probe.initial_delay,
                 {0, day});
  fields.seconds({"periodSeconds", "Between two probes."}, probe.period, {1, day});
  fields.seconds({"timeoutSeconds", "How long one probe may take."}, probe.timeout, {1, day});
  fields.integer({"successThreshold", "Passes in a row after which it holds."}, probe.success_threshold,
                 {1, 1000});
  fields.integer({"failureThreshold",
                  "Failures in a row after which it does not; an explicit refusal or not-ready answer counts "
                  "at once."},
                 probe.failure_threshold, {1, 1000});
}

// Kubernetes' Probe block.
void describe_probe(Fields& fields, Probe& probe) {
  static constexpr std::array<std::string_view, 2> actions{"httpGet", "tcpSocket"};
  HttpGetAction http_get;
  TcpSocketAction tcp_socket;
  fields.object({"httpGet", "Passes while a GET is answered with 200 to 399."},
                [&http_get](Fields& inner) { describe_http_get(inner, http_get); });
  fields.object({"tcpSocket",
                 "Passes while a connection is accepted. Where the upstream has `tls` and the port is the "
                 "endpoint's own, a handshake belongs to it, with the certificate verified as for requests; "
                 "Kubernetes only connects."},
                [&tcp_socket](Fields& inner) { describe_port(inner, tcp_socket.port); });
  fields.refuse("exec", "a command inside the pod cannot be run from here; use `httpGet` or `tcpSocket`");
  fields.refuse("grpc", "gRPC probes are not supported; use `httpGet` or `tcpSocket`");
  fields.refuse("terminationGracePeriodSeconds", "this belongs to liveness and startup probes; remove it");
  fields.require_one(actions);
  describe_counts(fields, probe);
  if (fields.has("tcpSocket")) {
    probe.action = tcp_socket;
  } else {
    probe.action = std::move(http_get);
  }
}

void describe_websocket_probe(Fields& fields, Probe& probe) {
  auto& action = probe.action.emplace<WebSocketAction>();
  fields.text({"path", "Path to open the WebSocket at."}, action.path, "a path that begins with `/`");
  fields.text({"host", "Host to name in the Host field; default: the endpoint's address."}, action.host,
              "a host name or IP address");
  describe_headers(fields, action.http_headers);
  fields.list({"protocols", "Subprotocols to offer."}, [&action] {
    Shapes shapes;
    shapes.form = "the name of a subprotocol";
    shapes.take_text = [&action](const Scalar& scalar) {
      action.protocols.emplace_back(scalar.text);
      return std::string();
    };
    return shapes;
  });
  describe_counts(fields, probe);
}

}  // namespace

void describe_probes(Fields& fields, Upstream& upstream) {
  fields.object({"readinessProbe", "The `readinessProbe` block of a Kubernetes Deployment, as it is."},
                [&upstream](Fields& inner) { describe_probe(inner, upstream.probe.emplace()); });
  fields.object({"newSocketProbe",
                 "While this fails an endpoint gets no new WebSockets; its open ones and requests go on. "
                 "Written as `readinessProbe`."},
                [&upstream](Fields& inner) { describe_probe(inner, upstream.new_socket_probe.emplace()); });
  fields.object(
      {"webSocketProbe",
       "Opens a WebSocket and pings; while this fails an endpoint gets no new ones, as with "
       "`newSocketProbe`."},
      [&upstream](Fields& inner) { describe_websocket_probe(inner, upstream.websocket_probe.emplace()); });
}

}  // namespace tidegate::conf
